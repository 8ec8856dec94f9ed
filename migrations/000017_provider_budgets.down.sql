BEGIN;
DROP TABLE provider_budgets;
DELETE FROM applied_migrations WHERE version = 17;
COMMIT;
