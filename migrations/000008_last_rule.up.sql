-- The rule of the last decision is a code of its own; last_decision is only for people.
BEGIN;
ALTER TABLE billing_targets ADD COLUMN last_rule text; -- by which a run decided last

INSERT INTO applied_migrations (version) VALUES (8);
COMMIT;
