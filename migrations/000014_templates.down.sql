BEGIN;
ALTER TABLE billing_data DROP COLUMN template_set;
DROP TABLE month_templates;
DELETE FROM applied_migrations WHERE version = 14;
COMMIT;
