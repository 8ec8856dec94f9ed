-- How many calls a second all delivery processes together make to a provider: a row for each provider that has a limit. The row is
-- updated some dozens of times a second: no column but the key has an index, so each update is HOT, and the fill factor lets every page
-- be pruned long before it is full.
BEGIN;
CREATE TABLE provider_budgets (
  provider    text PRIMARY KEY,
  calls_limit double precision NOT NULL CHECK (calls_limit > 0), -- calls a second, as the process has it that reserved last
  next_call   timestamptz NOT NULL,                              -- when the next call that is reserved may begin
  share       double precision NOT NULL DEFAULT 1 CHECK (share > 0 AND share <= 1), -- of the limit, when the provider throttled last
  slowed_at   timestamptz                                        -- when that was; since then the share grows
) WITH (fillfactor = 10);

INSERT INTO applied_migrations (version) VALUES (17);
COMMIT;
