BEGIN;

-- When retention had removed a month's bills, ledger and refused rows; the month itself stays as long as audit data does.
ALTER TABLE months ADD COLUMN dropped_at timestamptz;

INSERT INTO applied_migrations (version) VALUES (6);
COMMIT;
