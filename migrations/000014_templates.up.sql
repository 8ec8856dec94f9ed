-- The template sets with which a month's bills were rendered, whole, so that a bill that is corrected later says what the others say.
-- They hold words, and nothing of customers.
BEGIN;
CREATE TABLE month_templates (
  billing_month date NOT NULL,
  number        smallint NOT NULL,  -- within the month, from 1
  fingerprint   bytea NOT NULL,     -- SHA-256 of what it says, wherever its files lay
  name          text NOT NULL,      -- of its directory
  files         json NOT NULL,      -- their texts by name, the sender identity among them
  added_at      timestamptz NOT NULL,
  PRIMARY KEY (billing_month, number)
);

-- The set with which the statement was rendered; NULL: not rendered, or before sets were kept.
ALTER TABLE billing_data ADD COLUMN template_set smallint;

INSERT INTO applied_migrations (version) VALUES (14);
COMMIT;
