-- An opt-out of advertising costs a bill nothing. What is on the list already keeps back every message, as it did.
-- The list is read in a transaction of its own, which locks out nobody who reads or writes it.
BEGIN;
ALTER TABLE suppressions ADD COLUMN IF NOT EXISTS scope text NOT NULL DEFAULT 'all'; -- what is kept back
-- squawk-ignore ban-drop-constraint
ALTER TABLE suppressions DROP CONSTRAINT IF EXISTS suppressions_scope_check;
ALTER TABLE suppressions ADD CONSTRAINT suppressions_scope_check CHECK (scope IN ('all', 'advertising')) NOT VALID;
COMMIT;

BEGIN;
ALTER TABLE suppressions VALIDATE CONSTRAINT suppressions_scope_check;

INSERT INTO applied_migrations (version) VALUES (13);
COMMIT;
