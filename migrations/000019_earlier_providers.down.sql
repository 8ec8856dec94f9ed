BEGIN;
ALTER TABLE delivery_attempts DROP COLUMN earlier_providers;

DELETE FROM applied_migrations WHERE version = 19;
COMMIT;
