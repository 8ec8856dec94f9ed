BEGIN;

-- The delivery ledger: its primary key is the only mutex of the protocol. No foreign key to billing_targets: its check
-- would wait for the targets' row locks. No index but the primary key and the BRIN: updates stay HOT (PostgreSQL 16+).
-- Partitions: fillfactor 50, made when a month is opened.
CREATE TABLE delivery_attempts (
  billing_month       date NOT NULL,
  user_id             bigint NOT NULL,
  attempt             smallint NOT NULL,
  round               smallint NOT NULL,
  state               text NOT NULL CHECK (state IN ('CLAIMED', 'UNKNOWN', 'SUCCEEDED', 'FAILED', 'NOT_SENT', 'REVOKED')),
  owner               uuid,                                         -- token of the claim
  claimed_at          timestamptz,
  lease_until         timestamptz,
  channel             text,
  provider            text,
  step                smallint,
  policy_version      int,
  policy_id           bigint,
  run_id              bigint,
  unknown_policy      text,
  provider_message_id text,
  failure_class       text,
  reason              text,
  not_before          timestamptz,
  finished_at         timestamptz,
  changed_at          timestamptz NOT NULL DEFAULT clock_timestamp(), -- set by every write; the sweeps read by it
  PRIMARY KEY (billing_month, user_id, attempt, round),
  CHECK (state <> 'CLAIMED' OR (owner IS NOT NULL AND claimed_at IS NOT NULL AND lease_until IS NOT NULL))
) PARTITION BY RANGE (billing_month);

CREATE INDEX delivery_attempts_changed ON delivery_attempts USING brin (changed_at) WITH (pages_per_range = 32, autosummarize = on);

CREATE TABLE suppressions (
  user_id    bigint NOT NULL,
  channel    text NOT NULL CHECK (channel IN ('EMAIL', 'SMS', 'PUSH')),
  reason     text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (user_id, channel)
);

INSERT INTO applied_migrations (version) VALUES (2);
COMMIT;
