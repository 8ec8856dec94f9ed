BEGIN;

-- One row a migration, written in the migration's own transaction: tells after a crash whether it was applied.
CREATE TABLE applied_migrations (
  version    int PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE months (
  billing_month date PRIMARY KEY CHECK (extract(day FROM billing_month) = 1),
  status        text NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
  opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  closed_at     timestamptz
);

-- The user id is the number given at import to a customer number; a customer keeps it.
CREATE TABLE customers (
  user_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  customer text NOT NULL UNIQUE
);

-- What changes often, narrow. One row per customer and month. Partitions: fillfactor 70, made when a month is opened.
CREATE TABLE billing_targets (
  billing_month   date NOT NULL,
  user_id         bigint NOT NULL,
  batch_status    text NOT NULL DEFAULT 'IMPORTED',  -- written by the batch alone
  dispatch_status text NOT NULL DEFAULT 'READY',
  attempt         smallint NOT NULL DEFAULT 0,       -- number of the current or next try
  round           smallint NOT NULL DEFAULT 0,       -- put-backs of that try without a call that may have been accepted
  step            smallint NOT NULL DEFAULT 0,       -- index into the route written out
  requeues        smallint NOT NULL DEFAULT 0,       -- of the current key
  policy_version  int,
  policy_id       bigint,                            -- bound at the first dispatch
  available_at    timestamptz NOT NULL,
  requested_at    timestamptz,
  run_id          bigint,
  deadline        timestamptz,
  quiet_from      time,
  quiet_to        time,
  reachable       smallint NOT NULL DEFAULT 0,       -- set of channels with a destination: EMAIL 1, SMS 2, PUSH 4
  quiet_zone      text,                              -- IANA
  wished_channel  text,
  pause_reason    text,
  wish            text,                              -- CANCELLED | EXPIRED | EXHAUSTED, granted by settle
  last_decision   text,                              -- for people
  last_error      text,                              -- for people, no personal data
  PRIMARY KEY (billing_month, user_id),
  CHECK (batch_status IN ('IMPORTED', 'RENDERED', 'RENDER_FAILED')),
  CHECK (dispatch_status IN ('READY', 'REQUESTED', 'FAILED', 'PAUSED', 'UNKNOWN', 'SUCCEEDED', 'EXHAUSTED', 'EXPIRED', 'CANCELLED', 'WRITTEN_OFF')),
  CHECK (wish IN ('CANCELLED', 'EXPIRED', 'EXHAUSTED')),
  CHECK ((quiet_from IS NULL) = (quiet_zone IS NULL) AND (quiet_to IS NULL) = (quiet_zone IS NULL))
) PARTITION BY RANGE (billing_month);

-- A dispatcher's page.
CREATE INDEX billing_targets_candidates ON billing_targets (billing_month, available_at, user_id)
  WHERE dispatch_status IN ('READY', 'FAILED') AND batch_status = 'RENDERED';
-- The renderer's next chunk, in the same order.
CREATE INDEX billing_targets_imported ON billing_targets (billing_month, available_at, user_id)
  WHERE batch_status = 'IMPORTED';
-- The reaper's page: what is under way is few; a month's requested_at values say nothing about it once most are settled.
CREATE INDEX billing_targets_requested ON billing_targets (billing_month, user_id, requested_at)
  WHERE dispatch_status = 'REQUESTED';

-- What is large and changes rarely, beside it: sealed contents, each bound to its target.
CREATE TABLE billing_data (
  billing_month date NOT NULL,
  user_id       bigint NOT NULL,
  line          int NOT NULL,
  data_version  int NOT NULL DEFAULT 1,  -- raised by each correction
  rendered_at   timestamptz,
  email         bytea,                   -- sealed destinations
  sms           bytea,
  push          bytea,
  statement     bytea,                   -- sealed reference into a pack
  fingerprint   bytea NOT NULL,          -- SHA-256 of the canonical row
  file          text NOT NULL,
  render_error  text,
  data          bytea NOT NULL,          -- sealed bill
  PRIMARY KEY (billing_month, user_id)
) PARTITION BY RANGE (billing_month);
ALTER TABLE billing_data ALTER COLUMN data SET STORAGE EXTERNAL; -- ciphertext does not compress

-- Rows of imported files that were refused.
CREATE TABLE import_rejects (
  billing_month date NOT NULL,
  file          text NOT NULL,
  line          int NOT NULL,
  field         text NOT NULL,
  reason        text NOT NULL,
  noted_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (billing_month, file, line)
);

INSERT INTO applied_migrations (version) VALUES (1);
COMMIT;
