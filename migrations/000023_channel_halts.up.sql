-- The switches that halt single channels: a row for each channel that was ever halted, beside that of dispatch_control.
BEGIN;
CREATE TABLE channel_halts (
  channel text PRIMARY KEY,
  halted  boolean NOT NULL,
  share   smallint NOT NULL CHECK (share BETWEEN 1 AND 100), -- of refusals, in percent, above which the channel is halted
  actor   text NOT NULL,
  reason  text NOT NULL, -- of a halt by a process the evidence: no destination in it
  since   timestamptz NOT NULL
);

INSERT INTO applied_migrations (version) VALUES (23);
COMMIT;
