BEGIN;
ALTER TABLE billing_targets DROP COLUMN last_rule;
DELETE FROM applied_migrations WHERE version = 8;
COMMIT;
