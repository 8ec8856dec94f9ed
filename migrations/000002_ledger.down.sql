BEGIN;
DROP TABLE suppressions, delivery_attempts;
DELETE FROM applied_migrations WHERE version = 2;
COMMIT;
