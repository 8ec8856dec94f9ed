BEGIN;
DROP TABLE inquiries;
DELETE FROM applied_migrations WHERE version = 20;
COMMIT;
