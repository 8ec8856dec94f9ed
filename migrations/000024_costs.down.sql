BEGIN;
ALTER TABLE delivery_attempts DROP COLUMN cost_currency, DROP COLUMN cost, DROP COLUMN cost_unit, DROP COLUMN cost_units;
DELETE FROM applied_migrations WHERE version = 24;
COMMIT;
