-- A zone without hours is that of a customer without quiet hours of its own: the policy's hours go by its clock.
BEGIN;
ALTER TABLE billing_targets DROP CONSTRAINT billing_targets_check;
ALTER TABLE billing_targets ADD CONSTRAINT billing_targets_quiet_check
  CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND (quiet_from IS NULL OR quiet_zone IS NOT NULL));

INSERT INTO applied_migrations (version) VALUES (12);
COMMIT;
