-- Which providers were to make a claim's call before the one that the row names, and why each did not take the message. Adding a column
-- that may be null reads no row.
BEGIN;
ALTER TABLE delivery_attempts ADD COLUMN IF NOT EXISTS earlier_providers text; -- as in "nhn:provider,solapi:not_called"

INSERT INTO applied_migrations (version) VALUES (19);
COMMIT;
