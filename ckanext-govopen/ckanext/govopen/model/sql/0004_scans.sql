-- What the scan found, masked; who cleared it; numbers that a unit lists as lawful, by their digest.

-- One row for the same bytes, or the same texts of a record, whoever shows them.
CREATE TABLE govopen_scan (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  subject text NOT NULL,                      -- SHA-256 of a file, or 'meta:' and that of the texts
  version text NOT NULL,                      -- of the patterns
  verdict text NOT NULL CHECK (verdict IN ('clean', 'info', 'med', 'high', 'critical')),
  rows bigint NOT NULL,
  cells bigint NOT NULL,
  unread jsonb NOT NULL DEFAULT '[]',         -- [{part, reason}]: what nobody could look at
  scanned_at timestamptz NOT NULL DEFAULT govopen_now(),
  UNIQUE (subject, version)
);
CREATE TABLE govopen_scan_hit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  scan_id text NOT NULL REFERENCES govopen_scan,
  pattern text NOT NULL,
  severity text NOT NULL CHECK (severity IN ('info', 'med', 'high', 'critical')),
  sheet text,
  column_no integer,                          -- from 0; null: lines of a text
  column_name text,
  hits bigint NOT NULL,
  rows bigint NOT NULL,
  cells jsonb NOT NULL DEFAULT '[]',          -- the first places: [{row, cell, masked}]
  digests text[] NOT NULL DEFAULT '{}'        -- keyed, of the few different values there are
);
CREATE INDEX govopen_scan_hit_scan ON govopen_scan_hit (scan_id);

-- A finding that a person says is none; a grave one takes two people.
CREATE TABLE govopen_scan_clearance (         -- append-only
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id text NOT NULL REFERENCES govopen_review_case,
  record_id text NOT NULL,
  subject text NOT NULL,
  pattern text NOT NULL,
  sheet text,
  column_no integer,
  person text NOT NULL,
  act text NOT NULL CHECK (act IN ('cleared', 'confirmed')),
  reason text NOT NULL CHECK (btrim(reason) <> ''),
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_scan_clearance_record ON govopen_scan_clearance (record_id);

-- Office mobiles and accounts that are meant to be public; the number itself is not kept.
CREATE TABLE govopen_scan_allowance (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  unit_id text NOT NULL,
  pattern text NOT NULL CHECK (pattern IN ('mobile', 'bankcard')),
  digest text NOT NULL,
  masked text NOT NULL,
  reason text NOT NULL CHECK (btrim(reason) <> ''),
  person text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  revoked_at timestamptz
);
CREATE UNIQUE INDEX govopen_scan_allowance_once ON govopen_scan_allowance (unit_id, pattern, digest)
  WHERE revoked_at IS NULL;
