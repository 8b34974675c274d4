-- A mail that waits for the mail server. It goes when that has taken it, or when it had all of its tries;
-- nobody takes it before `next_at`, so that no two processes send it at once.
CREATE TABLE govopen_mail (
  seq bigserial PRIMARY KEY,
  user_id text NOT NULL,
  subject text NOT NULL,
  body text NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_mail_waiting ON govopen_mail (next_at, seq);
