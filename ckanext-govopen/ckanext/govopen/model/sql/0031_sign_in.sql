-- Sign-ins that failed, as far as they still count against the next one; kept for a day. Counted by
-- the time of the machine, which nobody turns.
CREATE TABLE govopen_sign_in (
  name_digest text NOT NULL,                  -- keyed: people type their password into the wrong field
  address text NOT NULL,
  failed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX govopen_sign_in_name ON govopen_sign_in (name_digest, failed_at);
CREATE INDEX govopen_sign_in_address ON govopen_sign_in (address, failed_at);
CREATE INDEX govopen_sign_in_age ON govopen_sign_in (failed_at);
