-- An opt-out of advertising costs a bill nothing. What is on the list already keeps back every message, as it did.
BEGIN;
ALTER TABLE suppressions ADD COLUMN scope text NOT NULL DEFAULT 'all' CHECK (scope IN ('all', 'advertising')); -- what is kept back

INSERT INTO applied_migrations (version) VALUES (13);
COMMIT;
