-- What tells this installation from every other: a part of each Message-ID. One row, which is never changed.
BEGIN;
CREATE TABLE installation (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  id       text NOT NULL DEFAULT substr(replace(gen_random_uuid()::text, '-', ''), 1, 12) CHECK (id ~ '^[0-9a-z]{6,32}$') -- 48 random bits
);
INSERT INTO installation DEFAULT VALUES;

INSERT INTO applied_migrations (version) VALUES (16);
COMMIT;
