BEGIN;
ALTER TABLE billing_data ADD COLUMN IF NOT EXISTS alimtalk bytea; -- sealed destination
-- squawk-ignore ban-drop-constraint
ALTER TABLE suppressions DROP CONSTRAINT IF EXISTS suppressions_channel_check,
  ADD CONSTRAINT suppressions_channel_check CHECK (channel IN ('EMAIL', 'SMS', 'PUSH', 'ALIMTALK')) NOT VALID;
COMMIT;

-- The list is read without locking anybody out.
BEGIN;
ALTER TABLE suppressions VALIDATE CONSTRAINT suppressions_channel_check;

INSERT INTO applied_migrations (version) VALUES (21);
COMMIT;
