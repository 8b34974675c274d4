-- Harvest: sources, runs, what each record was the last time, and what could not be taken.

-- Passwords and tokens of sources, encrypted by a key that is not in the database.
CREATE TABLE govopen_secret (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  body bytea NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now()
);

CREATE TABLE govopen_harvest_source (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9_-]{1,59}$'),
  title text NOT NULL CHECK (btrim(title) <> ''),
  unit_id text,                               -- null: each row names its unit (the inventory alone)
  kind text NOT NULL,                         -- a connector of the group govopen.connectors
  outcome text NOT NULL CHECK (outcome IN ('inventory', 'dataset')),
  settings jsonb NOT NULL DEFAULT '{}',       -- options of the connector; no secret
  secret_id text REFERENCES govopen_secret,
  schedule text NOT NULL CHECK (schedule IN ('manual', 'hourly', 'daily', 'weekly', 'monthly')),
  state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'removed')),
  breaker_least integer NOT NULL DEFAULT 5 CHECK (breaker_least >= 0),
  breaker_share numeric(4, 3) NOT NULL DEFAULT 0.1 CHECK (breaker_share BETWEEN 0 AND 1),
  grace_days integer NOT NULL DEFAULT 7 CHECK (grace_days BETWEEN 0 AND 365),
  watermark jsonb,                            -- what the last complete run has reached
  next_run_at timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  approved_by text CHECK (approved_by <> created_by),   -- of the first run
  approved_at timestamptz,
  CHECK (unit_id IS NOT NULL OR outcome = 'inventory'),
  CHECK ((approved_by IS NULL) = (approved_at IS NULL))
);

-- One run. What it saw and what became of it adds up, or it has not finished.
CREATE TABLE govopen_harvest_job (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  source_id text NOT NULL REFERENCES govopen_harvest_source,
  kind text NOT NULL CHECK (kind IN ('run', 'dry_run', 'retry')),
  state text NOT NULL DEFAULT 'queued' CHECK (state IN
    ('queued', 'running', 'needs_approval', 'finished', 'partial', 'failed', 'cancelled')),
  stage text NOT NULL DEFAULT 'gather' CHECK (stage IN ('gather', 'check', 'load', 'remove', 'done')),
  run_epoch integer NOT NULL DEFAULT 0,       -- raised whenever a worker takes the job up
  evidence jsonb NOT NULL DEFAULT '{}',
  watermark jsonb,
  seen integer NOT NULL DEFAULT 0,
  unchanged integer NOT NULL DEFAULT 0,
  created integer NOT NULL DEFAULT 0,
  updated integer NOT NULL DEFAULT 0,
  rejected integer NOT NULL DEFAULT 0,
  conflict integer NOT NULL DEFAULT 0,
  missing integer NOT NULL DEFAULT 0,
  removed integer NOT NULL DEFAULT 0,
  known_before integer NOT NULL DEFAULT 0,
  known_after integer NOT NULL DEFAULT 0,
  balanced boolean GENERATED ALWAYS AS (seen = unchanged + created + updated + rejected + conflict
    AND known_after = known_before + created - removed) STORED,
  waits_for text CHECK (waits_for IN ('first_run', 'breaker')),
  approved_by text,
  approved_at timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  started_at timestamptz,
  progressed_at timestamptz,
  ended_at timestamptz,
  error jsonb,
  CHECK (state NOT IN ('finished', 'partial') OR balanced OR kind = 'dry_run'),
  CHECK (state <> 'needs_approval' OR waits_for IS NOT NULL)
);
CREATE UNIQUE INDEX govopen_harvest_job_open ON govopen_harvest_job (source_id)
  WHERE state IN ('queued', 'running', 'needs_approval');
CREATE INDEX govopen_harvest_job_source ON govopen_harvest_job (source_id, created_at DESC, id);

-- What a run has gathered, until it has ended. Unlogged: after a crash of the server it is gathered
-- anew, which the number of its rows shows.
CREATE UNLOGGED TABLE govopen_harvest_stage (
  job_id text NOT NULL,
  number integer NOT NULL,
  guid text,
  record_hash text NOT NULL,
  raw bytea,                                  -- zlib; null where nothing has changed
  place jsonb NOT NULL DEFAULT '{}',
  verdict text CHECK (verdict IN ('unchanged', 'created', 'updated', 'rejected', 'conflict')),
  code text,                                  -- why it is rejected or in conflict
  facts jsonb NOT NULL DEFAULT '{}',
  is_checked boolean NOT NULL DEFAULT false,
  is_done boolean NOT NULL DEFAULT false,
  PRIMARY KEY (job_id, number)
);
CREATE INDEX govopen_harvest_stage_guid ON govopen_harvest_stage (job_id, guid);

-- What a source said, once for each content.
CREATE TABLE govopen_harvest_raw (
  sha256 text PRIMARY KEY,
  body bytea NOT NULL,                        -- zlib
  kept_at timestamptz NOT NULL DEFAULT govopen_now()
);

-- A record of a source and what it became here; nobody else's record is ever touched.
CREATE TABLE govopen_harvest_object (
  source_id text NOT NULL REFERENCES govopen_harvest_source,
  guid text NOT NULL,
  record_type text NOT NULL CHECK (record_type IN ('entry', 'package')),
  record_id text NOT NULL,
  unit_id text NOT NULL,
  record_hash text NOT NULL,
  raw_sha text REFERENCES govopen_harvest_raw,
  state text NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'missing', 'removed', 'withdrawal_proposed')),
  missing_since timestamptz,
  first_job text NOT NULL,
  last_job text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (source_id, guid),
  CHECK ((state = 'missing') <= (missing_since IS NOT NULL))
);
CREATE UNIQUE INDEX govopen_harvest_object_record ON govopen_harvest_object (record_type, record_id)
  WHERE state <> 'removed';
CREATE INDEX govopen_harvest_object_gone ON govopen_harvest_object (source_id, missing_since)
  WHERE missing_since IS NOT NULL;

-- Records that could not be taken: the record, the reason, and how often it was tried.
CREATE TABLE govopen_harvest_dead (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  source_id text NOT NULL REFERENCES govopen_harvest_source,
  job_id text NOT NULL REFERENCES govopen_harvest_job,
  guid text NOT NULL,                         -- of a record without a name: # and its hash
  code text NOT NULL,
  facts jsonb NOT NULL DEFAULT '{}',
  place jsonb NOT NULL DEFAULT '{}',
  record_hash text NOT NULL,
  raw_sha text REFERENCES govopen_harvest_raw,   -- null for what may not be kept
  attempts integer NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'mended', 'gone')),
  first_at timestamptz NOT NULL DEFAULT govopen_now(),
  last_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE UNIQUE INDEX govopen_harvest_dead_open ON govopen_harvest_dead (source_id, guid) WHERE state = 'open';

-- The report of a run: a line for each record that changed something or could not; none for the rest.
CREATE TABLE govopen_harvest_change (
  job_id text NOT NULL REFERENCES govopen_harvest_job,
  number integer NOT NULL,                    -- of the record in its run; negative: one that vanished
  guid text NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('created', 'updated', 'rejected', 'conflict', 'missing', 'removed',
    'withdrawal_proposed')),
  record_type text,
  record_id text,
  code text,
  facts jsonb NOT NULL DEFAULT '{}',
  PRIMARY KEY (job_id, number, verdict)
);
