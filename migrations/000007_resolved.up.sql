-- Refused rows that came in later are "resolved", here as everywhere else.
BEGIN;
-- squawk-ignore renaming-column -- before the first release
ALTER TABLE import_rejects RENAME COLUMN mended_at TO resolved_at;

INSERT INTO applied_migrations (version) VALUES (7);
COMMIT;
