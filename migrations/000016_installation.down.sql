BEGIN;
DROP TABLE installation;
DELETE FROM applied_migrations WHERE version = 16;
COMMIT;
