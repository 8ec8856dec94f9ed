BEGIN;
ALTER TABLE months DROP COLUMN first_version;
ALTER TABLE imports DROP COLUMN undone, DROP COLUMN undone_at;
DELETE FROM applied_migrations WHERE version = 10;
COMMIT;
