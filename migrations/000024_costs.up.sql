-- What the provider charges for a message that it accepted, at the prices of that moment. NULL: not known.
BEGIN;
ALTER TABLE delivery_attempts
  ADD COLUMN IF NOT EXISTS cost_units    smallint,       -- how many
  ADD COLUMN IF NOT EXISTS cost_unit     text,           -- of what: segment, sms, lms, message
  ADD COLUMN IF NOT EXISTS cost          numeric(20, 6), -- of all of them, in cost_currency
  ADD COLUMN IF NOT EXISTS cost_currency text;           -- ISO 4217

INSERT INTO applied_migrations (version) VALUES (24);
COMMIT;
