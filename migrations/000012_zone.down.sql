BEGIN;
UPDATE billing_targets SET quiet_zone = NULL WHERE quiet_from IS NULL AND quiet_zone IS NOT NULL;
ALTER TABLE billing_targets DROP CONSTRAINT billing_targets_quiet_check;
ALTER TABLE billing_targets ADD CONSTRAINT billing_targets_check
  CHECK ((quiet_from IS NULL) = (quiet_zone IS NULL) AND (quiet_to IS NULL) = (quiet_zone IS NULL));
DELETE FROM applied_migrations WHERE version = 12;
COMMIT;
