-- A change of something public waits beside it; what is approved is exactly what will be public then.
-- A data-refresh rule lets the system approve new bytes alone, for as long as two people's word holds.

ALTER TABLE govopen_review DROP CONSTRAINT govopen_review_record_type_check;
ALTER TABLE govopen_review ADD CONSTRAINT govopen_review_record_type_check
  CHECK (record_type IN ('package', 'register_version', 'revision', 'refresh_rule'));
ALTER TABLE govopen_opinion
  ADD refresh_rule text,                      -- under which the system approved
  ADD not_before timestamptz,                 -- of a submission: publication before it is not wanted
  ADD CONSTRAINT govopen_opinion_of_the_system
    CHECK ((person = 'system' AND result = 'approved') = (refresh_rule IS NOT NULL));

CREATE TABLE govopen_pending_revision (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  package_id text NOT NULL,
  base_hash text NOT NULL,                    -- what was public when it was staged
  content jsonb NOT NULL,                     -- what the hash is taken from, as it will be stored
  content_hash text NOT NULL DEFAULT '',      -- set by the trigger, whatever is written
  hash_version integer NOT NULL DEFAULT 1,
  changes jsonb NOT NULL,                     -- what somebody wanted changed, to start again from another base
  note text NOT NULL,
  rule_id text,                               -- the refresh rule under which it is asked for
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  created_by text NOT NULL
);
CREATE INDEX govopen_pending_revision_package ON govopen_pending_revision (package_id, created_at);
CREATE TABLE govopen_revision_file (
  revision_id text NOT NULL REFERENCES govopen_pending_revision,
  resource_id text NOT NULL,
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint NOT NULL,
  filename text NOT NULL,
  media_type text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text NOT NULL,
  PRIMARY KEY (revision_id, resource_id)
);

CREATE TABLE govopen_refresh_rule (           -- never changed; revoked by a row of its own
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  package_id text NOT NULL,
  schema jsonb NOT NULL,                      -- columns and types of each file, by resource id
  source jsonb NOT NULL,
  masking jsonb NOT NULL DEFAULT '{}',
  row_change_bound numeric NOT NULL CHECK (row_change_bound BETWEEN 0 AND 1),
  expires_on date NOT NULL,                   -- the last day
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  created_by text NOT NULL,
  CHECK (expires_on <= (created_at AT TIME ZONE 'Asia/Shanghai')::date + interval '12 months')
);
CREATE INDEX govopen_refresh_rule_package ON govopen_refresh_rule (package_id);
CREATE TABLE govopen_refresh_revocation (
  rule_id text PRIMARY KEY REFERENCES govopen_refresh_rule,
  reason text NOT NULL,
  person text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);

-- Written by the guard alone, at each publication: a history that no path can leave out or colour.
CREATE TABLE govopen_published_version (
  package_id text NOT NULL,
  number integer NOT NULL,
  content jsonb NOT NULL,
  content_hash text NOT NULL,
  frame_hash text NOT NULL,                   -- of everything but the bytes of the files
  refresh_rule text,                          -- null: approved by people
  data_on date NOT NULL,                      -- the day of its newest file
  published_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (package_id, number)
);

-- Which bytes the table of a resource in the DataStore holds; another one is not served.
CREATE TABLE govopen_loaded_table (
  resource_id text PRIMARY KEY,
  sha256 text NOT NULL
);

-- The record about which an opinion is given: of a revision it is the dataset with its new content.
CREATE VIEW govopen_review_target AS
  SELECT r.record_type, r.record_id, r.case_id, coalesce(v.package_id, r.record_id) AS target_id,
    CASE WHEN v.id IS NULL THEN r.record_type ELSE 'package' END AS target_type
  FROM govopen_review r LEFT JOIN govopen_pending_revision v ON r.record_type = 'revision' AND v.id = r.record_id;
