BEGIN;
DROP INDEX import_rejects_open;
ALTER TABLE import_rejects DROP COLUMN customer, DROP COLUMN import_id, DROP COLUMN mended_at;
ALTER TABLE billing_data DROP COLUMN import_id;
DROP TABLE imports;
DELETE FROM applied_migrations WHERE version = 4;
COMMIT;
