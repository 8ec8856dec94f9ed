-- squawk-ignore-file renaming-column, require-concurrent-index-creation
-- Before the first release; runs has a row a run.
BEGIN;

-- For people: the gateway's words about what it did not take, masked.
ALTER TABLE delivery_attempts ADD COLUMN detail text;

-- Who wrote a policy version and who let it go live; who asked for a run and who let it start. Today whoever activates
-- a version approves it, and a run needs nobody's approval: roles and a second pair of eyes can come on top.
ALTER TABLE policy_versions RENAME COLUMN drafted_by TO created_by;
ALTER TABLE policy_versions RENAME COLUMN drafted_reason TO created_reason;
ALTER TABLE policy_versions RENAME COLUMN drafted_at TO created_at;
ALTER TABLE policy_versions RENAME COLUMN activated_by TO approved_by;
ALTER TABLE policy_versions RENAME COLUMN activated_reason TO approved_reason;
ALTER TABLE policy_versions RENAME COLUMN activated_at TO approved_at;
ALTER TABLE runs RENAME COLUMN actor TO created_by;
ALTER TABLE runs ADD COLUMN approved_by text;
ALTER TABLE operator_actions ADD COLUMN approved_by text;
ALTER TABLE runs ADD COLUMN unrendered bigint NOT NULL DEFAULT 0;  -- bills that waited to be rendered when the run ended
CREATE INDEX runs_month ON runs (billing_month, id);

INSERT INTO applied_migrations (version) VALUES (5);
COMMIT;
