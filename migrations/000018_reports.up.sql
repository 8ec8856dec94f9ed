-- What providers say about deliveries after their calls (R11): append-only, each report once. What was settled follows from the ledger
-- rows and all reports about their keys.
BEGIN;
CREATE TABLE IF NOT EXISTS delivery_reports (
  billing_month       date NOT NULL,
  user_id             bigint NOT NULL,
  attempt             smallint NOT NULL,
  round               smallint NOT NULL,
  provider            text NOT NULL,
  report_id           text NOT NULL,         -- the provider's own, or a hash of what it says
  kind                text NOT NULL CHECK (kind IN ('DELIVERED', 'UNDELIVERED', 'COMPLAINED', 'OPTED_OUT')),
  failure_class       text CHECK ((failure_class IS NOT NULL) = (kind = 'UNDELIVERED')),
  definitive          boolean NOT NULL,      -- the provider's word that nothing more will be tried
  provider_message_id text,
  code                text,                  -- the provider's
  detail              text,                  -- for people, no personal data
  said_at             timestamptz,           -- by the provider's clock
  stored_at           timestamptz NOT NULL DEFAULT clock_timestamp(), -- the sweep reads by it
  PRIMARY KEY (billing_month, user_id, attempt, round, provider, report_id)
) PARTITION BY RANGE (billing_month);
CREATE INDEX IF NOT EXISTS delivery_reports_stored ON delivery_reports USING brin (stored_at) WITH (pages_per_range = 32, autosummarize = on);

-- Reports that are about no delivery which is known, at most 10,000 of them: for whoever looks into it.
CREATE TABLE IF NOT EXISTS stray_reports (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider      text NOT NULL,
  report_id     text NOT NULL,
  billing_month date NOT NULL,
  user_id       bigint NOT NULL,
  attempt       smallint NOT NULL,
  round         smallint NOT NULL,
  kind          text NOT NULL,
  why           text NOT NULL CHECK (why IN ('unknown_key', 'closed_month', 'other_provider')),
  stored_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (provider, report_id)
);
CREATE INDEX IF NOT EXISTS stray_reports_month ON stray_reports (billing_month);

-- A partition for each month that has others. A program of before this migration opens a month without one: so the table does it.
CREATE OR REPLACE FUNCTION open_delivery_reports(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE name text := 'delivery_reports_' || to_char(month, 'YYYY_MM');
BEGIN
  IF to_regclass(quote_ident(name)) IS NOT NULL THEN RETURN; END IF;
  EXECUTE format('CREATE TABLE %I (LIKE delivery_reports INCLUDING ALL)', name);
  EXECUTE format('ALTER TABLE delivery_reports ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, month, month + interval '1 month');
END $$;
CREATE OR REPLACE FUNCTION open_delivery_reports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM open_delivery_reports(NEW.billing_month);
  RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER open_delivery_reports AFTER INSERT ON months FOR EACH ROW EXECUTE FUNCTION open_delivery_reports();
SELECT open_delivery_reports(m.billing_month) FROM months m WHERE m.dropped_at IS NULL;
COMMIT;

-- WRITTEN_OFF may be pending too: a target that was written off and turns out to be accepted is written off again when a report takes that
-- back. A partition has the check as its own beside the table's.
BEGIN;
-- squawk-ignore ban-drop-constraint
ALTER TABLE billing_targets DROP CONSTRAINT IF EXISTS billing_targets_wish_check;
DO $$
DECLARE part regclass;
BEGIN
  FOR part IN SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = 'billing_targets'::regclass LOOP
    EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS billing_targets_wish_check', part);
  END LOOP;
END $$;
ALTER TABLE billing_targets ADD CONSTRAINT billing_targets_wish_check CHECK (wish IN ('CANCELLED', 'EXPIRED', 'EXHAUSTED', 'WRITTEN_OFF')) NOT VALID;
COMMIT;

BEGIN;
ALTER TABLE billing_targets VALIDATE CONSTRAINT billing_targets_wish_check;

INSERT INTO applied_migrations (version) VALUES (18);
COMMIT;
