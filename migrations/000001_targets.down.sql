BEGIN;
DROP TABLE import_rejects, billing_data, billing_targets, customers, months, applied_migrations;
COMMIT;
