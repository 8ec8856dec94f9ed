BEGIN;
ALTER TABLE imports DROP COLUMN mapping;
DROP TABLE month_mappings;
DELETE FROM applied_migrations WHERE version = 11;
COMMIT;
