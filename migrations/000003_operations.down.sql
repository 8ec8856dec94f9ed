BEGIN;
DROP TABLE runs, operator_actions, dispatch_control, policy_versions, policies;
DELETE FROM applied_migrations WHERE version = 3;
COMMIT;
