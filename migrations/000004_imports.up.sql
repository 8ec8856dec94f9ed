BEGIN;

-- The record of each import: who read which file when, and what it came to.
CREATE TABLE imports (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  billing_month date NOT NULL,
  file          text NOT NULL,        -- its name without folders, or the label it was given
  actor         text NOT NULL,
  reason        text NOT NULL,
  started_at    timestamptz NOT NULL,
  finished_at   timestamptz,          -- NULL: under way, or it died
  row_count     bigint NOT NULL,
  inserted      bigint NOT NULL,
  unchanged     bigint NOT NULL,
  corrected     bigint NOT NULL,
  conflicts     bigint NOT NULL,
  rejected      bigint NOT NULL,
  error         text NOT NULL
);
CREATE INDEX imports_month ON imports (billing_month, id);

-- Which import a bill's data came with; NULL where it came before there were records.
ALTER TABLE billing_data ADD COLUMN import_id bigint;

-- A refused row is mended when it comes in after all: by its own file and line (rejects.csv carries both), or by its
-- customer number where it could be read.
ALTER TABLE import_rejects
  ADD COLUMN customer  text,
  ADD COLUMN import_id bigint,        -- the import that refused it first
  ADD COLUMN mended_at timestamptz;
-- squawk-ignore require-concurrent-index-creation -- refused rows are few
CREATE INDEX import_rejects_open ON import_rejects (billing_month, customer) WHERE mended_at IS NULL;

INSERT INTO applied_migrations (version) VALUES (4);
COMMIT;
