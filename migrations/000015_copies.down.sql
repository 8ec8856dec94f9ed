BEGIN;
DELETE FROM billing_data WHERE user_id > 1000000000000; -- they would count as bills
DELETE FROM billing_targets WHERE user_id > 1000000000000;
ALTER TABLE customers ALTER COLUMN user_id SET NO MAXVALUE;

DELETE FROM applied_migrations WHERE version = 15;
COMMIT;
