-- Until when the key of CKAN's "user".reset_key holds; one without a row does not. By the time of the
-- machine, which nobody turns.
CREATE TABLE govopen_reset_key (
  user_id text PRIMARY KEY REFERENCES "user" (id) ON DELETE CASCADE,
  expires_at timestamptz NOT NULL
);
