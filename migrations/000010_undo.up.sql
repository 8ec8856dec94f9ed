-- An import can be taken back. A bill that comes in after that begins with a version of its data that no renderer has seen.
BEGIN;
ALTER TABLE imports
  ADD COLUMN undone_at timestamptz,                -- when it began to be taken back
  ADD COLUMN undone    bigint NOT NULL DEFAULT 0;  -- bills that were removed
ALTER TABLE months ADD COLUMN first_version int NOT NULL DEFAULT 1; -- data_version of new bills

INSERT INTO applied_migrations (version) VALUES (10);
COMMIT;
