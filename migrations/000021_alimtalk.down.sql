BEGIN;

ALTER TABLE billing_data DROP COLUMN alimtalk;
DELETE FROM suppressions WHERE channel = 'ALIMTALK';
ALTER TABLE suppressions DROP CONSTRAINT suppressions_channel_check,
  ADD CONSTRAINT suppressions_channel_check CHECK (channel IN ('EMAIL', 'SMS', 'PUSH'));

DELETE FROM applied_migrations WHERE version = 21;
COMMIT;
