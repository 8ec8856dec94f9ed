BEGIN;

CREATE TABLE policies (
  id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE
);

-- A version never changes, but for its status. The encoding of spec is the adapter's (policyjson.go).
CREATE TABLE policy_versions (
  policy_id        bigint NOT NULL REFERENCES policies,
  version          int NOT NULL CHECK (version > 0),
  status           text NOT NULL CHECK (status IN ('DRAFT', 'ACTIVE', 'RETIRED')),
  spec             jsonb NOT NULL,
  drafted_by       text NOT NULL,
  drafted_reason   text NOT NULL,
  drafted_at       timestamptz NOT NULL,
  activated_by     text,
  activated_reason text,
  activated_at     timestamptz,
  retired_at       timestamptz,
  PRIMARY KEY (policy_id, version)
);
-- One version is ACTIVE overall.
CREATE UNIQUE INDEX policy_versions_one_active ON policy_versions (status) WHERE status = 'ACTIVE';

-- The switch that stops everything that goes out: one row.
CREATE TABLE dispatch_control (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  halted   boolean NOT NULL DEFAULT false,
  actor    text NOT NULL DEFAULT '',
  reason   text NOT NULL DEFAULT '',
  since    timestamptz
);
INSERT INTO dispatch_control DEFAULT VALUES;

-- What operators did; never changed.
CREATE TABLE operator_actions (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at      timestamptz NOT NULL,
  actor   text NOT NULL,
  what    text NOT NULL,
  subject text NOT NULL,  -- a target, a policy, a month: no personal data
  reason  text NOT NULL
);
CREATE INDEX operator_actions_subject ON operator_actions (subject, id);

CREATE TABLE runs (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  billing_month date,
  actor         text NOT NULL,
  reason        text NOT NULL,
  asked_at      timestamptz,
  policies      jsonb NOT NULL,     -- the snapshot: [{"id": 1, "version": 3}]
  started_at    timestamptz,
  finished_at   timestamptz,
  status        text NOT NULL,
  pages         int NOT NULL,
  decisions     jsonb NOT NULL,     -- {"due": 1000}, by rule
  published     bigint NOT NULL,
  failed        bigint NOT NULL,
  skipped       bigint NOT NULL,
  left_over     bigint NOT NULL,
  page_p50_us   bigint NOT NULL,
  page_p99_us   bigint NOT NULL,
  error         text NOT NULL
);

INSERT INTO applied_migrations (version) VALUES (3);
COMMIT;
