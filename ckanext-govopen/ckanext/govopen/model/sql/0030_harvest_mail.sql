-- Which mail about the harvest a person had on a day: one at most.
CREATE TABLE govopen_harvest_mail (
  user_id text NOT NULL,
  day date NOT NULL,
  sources integer NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (user_id, day)
);
