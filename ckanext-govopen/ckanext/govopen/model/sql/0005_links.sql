-- Linked resources of public datasets: what the last check saw, and the days on which each failed.
CREATE TABLE govopen_link (
  resource_id text PRIMARY KEY,
  package_id text NOT NULL,
  url text NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT govopen_now(),
  problem text,                               -- code of the finding; null: it answered
  facts jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX govopen_link_package ON govopen_link (package_id);

CREATE TABLE govopen_link_failure (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  resource_id text NOT NULL,
  package_id text NOT NULL,
  from_on date NOT NULL,                      -- day of the first failed check
  to_on date CHECK (to_on >= from_on)         -- day of the first one that succeeded; null: it still fails
);
CREATE UNIQUE INDEX govopen_link_failure_open ON govopen_link_failure (resource_id) WHERE to_on IS NULL;
CREATE INDEX govopen_link_failure_package ON govopen_link_failure (package_id);
