-- Files that the resources of harvested drafts name: what was fetched of each the last time.
CREATE TABLE govopen_harvest_file (
  resource_id text PRIMARY KEY,
  source_id text NOT NULL REFERENCES govopen_harvest_source,
  url text NOT NULL,                          -- where the source has it; the resource has it here
  sha256 text,                                -- null: never fetched
  etag text,
  last_modified text,
  code text,                                  -- why it could not be fetched the last time
  facts jsonb NOT NULL DEFAULT '{}',
  checked_at timestamptz NOT NULL DEFAULT govopen_now(),
  CHECK (sha256 IS NOT NULL OR code IS NOT NULL)
);
CREATE INDEX govopen_harvest_file_source ON govopen_harvest_file (source_id) WHERE code IS NOT NULL;
