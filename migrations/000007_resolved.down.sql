BEGIN;
ALTER TABLE import_rejects RENAME COLUMN resolved_at TO mended_at;
DELETE FROM applied_migrations WHERE version = 7;
COMMIT;
