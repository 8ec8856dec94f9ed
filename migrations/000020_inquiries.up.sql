-- What providers are asked about calls whose outcome is UNKNOWN, and what they answered: a row for each ledger row that was UNKNOWN and
-- whose provider can be asked. A month's rows go with its partitions.
BEGIN;
CREATE TABLE inquiries (
  billing_month date NOT NULL,
  user_id       bigint NOT NULL,
  attempt       smallint NOT NULL,
  round         smallint NOT NULL,
  channel       text NOT NULL,
  provider      text NOT NULL,
  called_at     timestamptz NOT NULL,           -- when the row was claimed
  next_at       timestamptz,                    -- when it is asked about; NULL: never again
  asks          smallint NOT NULL DEFAULT 0,
  asked_at      timestamptz,                    -- when it was asked about last, and what was answered then
  found         text,
  failure_class text,
  message_id    text,
  code          text,
  detail        text,
  said_at       timestamptz,                    -- by the provider's clock
  PRIMARY KEY (billing_month, user_id, attempt, round)
);
CREATE INDEX inquiries_due ON inquiries (billing_month, channel, provider, next_at) WHERE next_at IS NOT NULL;

INSERT INTO applied_migrations (version) VALUES (20);
COMMIT;
