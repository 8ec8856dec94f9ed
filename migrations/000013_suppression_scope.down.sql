BEGIN;
DELETE FROM suppressions WHERE scope = 'advertising'; -- it would keep bills back
ALTER TABLE suppressions DROP COLUMN scope;
DELETE FROM applied_migrations WHERE version = 13;
COMMIT;
