BEGIN;
ALTER TABLE months DROP COLUMN dropped_at;
DELETE FROM applied_migrations WHERE version = 6;
COMMIT;
