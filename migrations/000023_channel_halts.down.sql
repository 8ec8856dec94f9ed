BEGIN;
DROP TABLE channel_halts;
DELETE FROM applied_migrations WHERE version = 23;
COMMIT;
