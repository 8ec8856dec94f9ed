BEGIN;
DROP TRIGGER open_delivery_reports ON months;
DROP FUNCTION open_delivery_reports();
DROP FUNCTION open_delivery_reports(date);
DROP TABLE stray_reports;
DROP TABLE delivery_reports;
UPDATE billing_targets SET wish = NULL WHERE wish = 'WRITTEN_OFF'; -- no report can take its acceptance back any more
ALTER TABLE billing_targets DROP CONSTRAINT IF EXISTS billing_targets_wish_check;
DO $$
DECLARE part regclass;
BEGIN
  FOR part IN SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'billing_targets'::regclass LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS billing_targets_wish_check', part);
  END LOOP;
END $$;
ALTER TABLE billing_targets ADD CONSTRAINT billing_targets_wish_check CHECK (wish IN ('CANCELLED', 'EXPIRED', 'EXHAUSTED'));
DELETE FROM applied_migrations WHERE version = 18;
COMMIT;
