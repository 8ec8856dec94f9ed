-- The mappings with which a month's files were imported, as their authors wrote them. They hold names of columns, and nothing of
-- customers.
BEGIN;
CREATE TABLE month_mappings (
  billing_month date NOT NULL,
  fingerprint   bytea NOT NULL,     -- SHA-256 of what it says, whatever its comments
  name          text NOT NULL,      -- of its file, without folders
  content       text NOT NULL,
  added_at      timestamptz NOT NULL,
  PRIMARY KEY (billing_month, fingerprint)
);

-- The mapping of an import; NULL: its file had the columns of billing data.
ALTER TABLE imports ADD COLUMN mapping bytea;

INSERT INTO applied_migrations (version) VALUES (11);
COMMIT;
