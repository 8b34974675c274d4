-- Units: one row is one version of a unit's facts in valid time (from_on, to_on) and recorded time.
CREATE TABLE govopen_org_unit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  unit_id text NOT NULL,                      -- id of the CKAN organization
  slug text NOT NULL,
  name text NOT NULL,
  short_name text,
  uscc text,
  local_scheme text,
  local_code text,
  kind text NOT NULL,
  level text NOT NULL,
  parent_id text,
  region_code text NOT NULL,
  valid_from date NOT NULL,                   -- founded
  valid_to date,                              -- abolished
  in_scope_opening jsonb NOT NULL DEFAULT '[]',
  no_data_declared jsonb NOT NULL DEFAULT '[]',
  officers jsonb NOT NULL DEFAULT '[]',
  doc_prefixes jsonb NOT NULL DEFAULT '[]',
  oversees jsonb NOT NULL DEFAULT '[]',
  confirmed boolean NOT NULL DEFAULT true,    -- false: created by an import, units.W3
  from_on date NOT NULL,
  to_on date CHECK (to_on > from_on),         -- exclusive; null: still so
  recorded_from timestamptz NOT NULL DEFAULT govopen_now(),
  recorded_to timestamptz,
  basis text, reason text, actor text NOT NULL
);
CREATE UNIQUE INDEX govopen_org_unit_now ON govopen_org_unit (unit_id)
  WHERE to_on IS NULL AND recorded_to IS NULL;
CREATE UNIQUE INDEX govopen_org_unit_start ON govopen_org_unit (unit_id, from_on) WHERE recorded_to IS NULL;
CREATE UNIQUE INDEX govopen_org_unit_uscc ON govopen_org_unit (uscc)
  WHERE to_on IS NULL AND recorded_to IS NULL AND uscc IS NOT NULL;
CREATE UNIQUE INDEX govopen_org_unit_local ON govopen_org_unit (local_scheme, local_code)
  WHERE to_on IS NULL AND recorded_to IS NULL AND local_code IS NOT NULL;
CREATE INDEX govopen_org_unit_history ON govopen_org_unit (unit_id, from_on);
CREATE VIEW govopen_org_unit_current AS       -- what holds today, also when a change is planned
  SELECT * FROM govopen_org_unit WHERE recorded_to IS NULL AND from_on <= govopen_today()
    AND (to_on IS NULL OR to_on > govopen_today());

CREATE TABLE govopen_succession (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  kind text NOT NULL CHECK (kind IN ('rename', 'merge_into', 'split_from', 'abolish', 'transfer_function')),
  unit_id text NOT NULL,
  other_id text,
  on_date date NOT NULL,
  basis text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text NOT NULL
);
CREATE INDEX govopen_succession_unit ON govopen_succession (unit_id);

CREATE TABLE govopen_role_assignment (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  user_id text NOT NULL,
  role text NOT NULL,
  unit_id text,                               -- null: every unit
  from_at timestamptz NOT NULL DEFAULT govopen_now(),
  to_at timestamptz,
  deputy_for text,
  granted_by text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_role_assignment_user ON govopen_role_assignment (user_id);

-- Registers: an append-only log for each (type, unit), and the versions that the review makes public.
CREATE TABLE govopen_register (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  register_type text NOT NULL,
  unit_id text NOT NULL,
  region_code text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  UNIQUE (register_type, unit_id)
);
CREATE SEQUENCE govopen_entry_code_seq;

CREATE TABLE govopen_register_version (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  register_id text NOT NULL REFERENCES govopen_register,
  number integer,                             -- given when published: 1, 2, 3 …
  case_id text,
  import_id text,
  basis text NOT NULL,
  reason text NOT NULL,
  approved_on date,
  effective_on date NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  created_by text NOT NULL,
  UNIQUE (register_id, number),
  UNIQUE (id, register_id)
);

CREATE TABLE govopen_register_log (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  register_id text NOT NULL REFERENCES govopen_register,
  position integer NOT NULL CHECK (position > 0),   -- 1, 2, 3 … within the register
  kind text NOT NULL CHECK (kind IN ('entry', 'publish')),
  entry_code text,                            -- kind = entry only
  version_id text REFERENCES govopen_register_version,   -- kind = publish only
  change text NOT NULL CHECK (change IN ('add', 'change', 'cancel', 'correct', 'undo', 'transfer', 'publish')),
  import_id text,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text NOT NULL,
  basis text NOT NULL,
  reason text NOT NULL,
  public bytea NOT NULL,                      -- canonical JSON (RFC 8785) that everyone may read
  salt bytea,
  private bytea,                              -- the rest, erasable together with its salt
  private_hash text NOT NULL,                 -- sha256(salt || private)
  prev_hash text NOT NULL,
  hash text NOT NULL,
  UNIQUE (register_id, position),
  UNIQUE (seq, register_id, entry_code),
  CHECK ((kind = 'publish') = (change = 'publish') AND (kind = 'publish') = (entry_code IS NULL)
    AND (kind = 'publish') = (version_id IS NOT NULL)),
  CHECK ((salt IS NULL) = (private IS NULL))
);
CREATE UNIQUE INDEX govopen_register_log_add ON govopen_register_log (entry_code) WHERE change = 'add';
CREATE UNIQUE INDEX govopen_register_log_publish ON govopen_register_log (version_id) WHERE kind = 'publish';
CREATE INDEX govopen_register_log_entry ON govopen_register_log (entry_code, seq);
CREATE INDEX govopen_register_log_import ON govopen_register_log (import_id) WHERE import_id IS NOT NULL;

-- A version holds rows of its own register, one for each entry.
CREATE TABLE govopen_register_version_entry (
  version_id text NOT NULL,
  register_id text NOT NULL,
  entry_code text NOT NULL,
  log_seq bigint NOT NULL,
  PRIMARY KEY (version_id, entry_code),
  FOREIGN KEY (version_id, register_id) REFERENCES govopen_register_version (id, register_id),
  FOREIGN KEY (log_seq, register_id, entry_code) REFERENCES govopen_register_log (seq, register_id, entry_code)
);
CREATE INDEX govopen_register_version_entry_log ON govopen_register_version_entry (log_seq);
CREATE INDEX govopen_register_version_entry_code ON govopen_register_version_entry (entry_code, log_seq);

CREATE TABLE govopen_register_mask (          -- insert-only: what was erased or is no longer shown, and why
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  log_seq bigint NOT NULL REFERENCES govopen_register_log,
  act text NOT NULL CHECK (act IN ('hide', 'erase_private', 'show')),
  ground text NOT NULL,
  actor text NOT NULL,
  case_id text,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_register_mask_log ON govopen_register_mask (log_seq, id DESC);

-- Projection of the inventory: what each entry is now. `register rebuild` yields the same rows.
CREATE TABLE govopen_data_resource (
  entry_code text PRIMARY KEY,
  register_id text NOT NULL REFERENCES govopen_register,
  unit_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('draft', 'in_review', 'active', 'retired')),
  working_seq bigint NOT NULL REFERENCES govopen_register_log,   -- newest log row
  active_seq bigint REFERENCES govopen_register_log,   -- approved one; differs while a revision waits
  name text NOT NULL,
  active_name text,                           -- null: not public, or shown as an opaque reference
  active_open_type text,
  res_code text,
  open_type text,
  share_type text,
  update_cycle text,
  catalog_visible boolean NOT NULL DEFAULT true,
  hidden_ground text,
  published_on date,
  retired_on date,
  source_id text NOT NULL DEFAULT 'file',     -- harvest source that owns the row, or 'file'
  source_key text,
  ordinal text,
  import_id text,
  warnings jsonb NOT NULL DEFAULT '[]',
  fields jsonb NOT NULL,                      -- newest content, every field and source_fields
  fields_hash text NOT NULL,                  -- sha256 of its canonical bytes: equal means unchanged
  active_fields jsonb,                        -- approved content
  updated_at timestamptz NOT NULL DEFAULT govopen_now(),
  CHECK (status <> 'active' OR active_seq IS NOT NULL)
);
-- A retired row frees its code and key: a reform opens the same entry at the receiving unit.
CREATE UNIQUE INDEX govopen_data_resource_code ON govopen_data_resource (res_code)
  WHERE res_code IS NOT NULL AND status <> 'retired';
CREATE INDEX govopen_data_resource_code_any ON govopen_data_resource (res_code) WHERE res_code IS NOT NULL;
CREATE UNIQUE INDEX govopen_data_resource_source ON govopen_data_resource (unit_id, source_id, source_key)
  WHERE source_key IS NOT NULL AND status <> 'retired';
CREATE INDEX govopen_data_resource_public ON govopen_data_resource (coalesce(active_name, E'\uFFFD'), entry_code)
  WHERE status = 'active';
CREATE INDEX govopen_data_resource_unit ON govopen_data_resource (unit_id, status, name, entry_code);
CREATE INDEX govopen_data_resource_page ON govopen_data_resource (name, entry_code);

-- Review: one row for each record (package or register version); its state is the only truth.
CREATE TABLE govopen_review_case (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  kind text NOT NULL CHECK (kind IN ('dataset', 'inventory', 'batch', 'reform')),
  title text NOT NULL,
  unit_ids text[] NOT NULL,
  profile text NOT NULL CHECK (profile IN ('two_person', 'strict')),
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  created_by text NOT NULL,
  submitted_at timestamptz,
  closed_at timestamptz,
  reason text
);
CREATE TABLE govopen_review (
  record_type text NOT NULL CHECK (record_type IN ('package', 'register_version')),
  record_id text NOT NULL,
  case_id text REFERENCES govopen_review_case,
  state text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'submitted', 'returned', 'withheld',
    'approved', 'embargoed', 'published', 'withdrawn', 'deleted')),
  step text,
  hash_version integer NOT NULL DEFAULT 1,
  embargo_until timestamptz,
  published_at timestamptz,
  withdrawn_at timestamptz,
  withdrawn_ground text,
  updated_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (record_type, record_id)
);
CREATE INDEX govopen_review_case_records ON govopen_review (case_id);
CREATE INDEX govopen_review_waiting ON govopen_review (state) WHERE state IN ('submitted', 'returned', 'approved', 'embargoed');

CREATE TABLE govopen_opinion (                -- append-only
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_id text NOT NULL REFERENCES govopen_review_case,
  record_type text NOT NULL,
  record_id text NOT NULL,
  content_hash text NOT NULL,
  person text NOT NULL,
  roles text[] NOT NULL,
  step text NOT NULL,
  result text NOT NULL CHECK (result IN ('submitted', 'pass', 'approved', 'returned', 'withheld', 'withdrawn', 'superseded', 'hidden')),
  opinion text,
  deputy_for text,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_opinion_record ON govopen_opinion (record_id, content_hash);

-- Files: bytes lie write-once under their SHA-256; who uploads never names the hash.
CREATE TABLE govopen_file (
  resource_id text PRIMARY KEY,
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  size bigint NOT NULL,
  filename text NOT NULL,
  media_type text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text NOT NULL
);

-- Derived and counted values of a dataset; never package extras, which are part of the content hash.
CREATE TABLE govopen_dataset_stat (
  package_id text PRIMARY KEY,
  entry_codes text[] NOT NULL DEFAULT '{}',
  first_published timestamptz,
  last_updated timestamptz,
  last_data_date date,
  rows bigint, cols integer, bytes bigint,
  formats text[] NOT NULL DEFAULT '{}',
  machine_readable boolean NOT NULL DEFAULT false,
  updated_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_dataset_stat_entries ON govopen_dataset_stat USING gin (entry_codes);

-- Publication periods of a dataset, one row for each time that it was public.
CREATE TABLE govopen_publication_period (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  package_id text NOT NULL,
  unit_id text NOT NULL,
  entry_codes text[] NOT NULL,
  open_type text NOT NULL,
  update_cycle text NOT NULL,
  machine_readable boolean NOT NULL,
  rows bigint,
  from_at timestamptz NOT NULL,
  to_at timestamptz,
  ground text
);
CREATE INDEX govopen_publication_period_package ON govopen_publication_period (package_id);
CREATE INDEX govopen_publication_period_entries ON govopen_publication_period USING gin (entry_codes);
CREATE INDEX govopen_publication_period_unit ON govopen_publication_period (unit_id);

-- Imports of spreadsheets: the file, how it was read, what it did.
CREATE TABLE govopen_mapping (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  name text NOT NULL UNIQUE,
  fingerprint text,                           -- of the header row: recognised again next time
  body jsonb NOT NULL,                        -- {columns: {header: field}, constants: {field: value}, key: header}
  saved_at timestamptz NOT NULL DEFAULT govopen_now(),
  saved_by text NOT NULL
);
CREATE TABLE govopen_import (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  state text NOT NULL CHECK (state IN ('uploaded', 'checking', 'checked', 'applying', 'applied', 'failed', 'undone')),
  file_name text NOT NULL,
  sha256 text NOT NULL,
  options jsonb NOT NULL DEFAULT '{}',
  report jsonb,
  progress jsonb NOT NULL DEFAULT '{}',
  heads jsonb,                                -- register positions seen by the dry run
  error text,
  unit_ids text[] NOT NULL DEFAULT '{}',
  case_id text,
  actor text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  started_at timestamptz,
  ended_at timestamptz,
  undone_by text
);
-- One row of a checked file: what it would do, and why; the report pages and apply read it.
CREATE TABLE govopen_import_row (
  import_id text NOT NULL REFERENCES govopen_import ON DELETE CASCADE,
  row_no integer NOT NULL,
  unit_id text,
  unit_text text,
  entry_code text,                            -- the entry that it is, null: new
  identity text,                              -- key, res_code or name (flagged inventory.W12)
  source_key text,
  res_code text,
  name text,
  name_ordinal integer,
  verdict text NOT NULL CHECK (verdict IN ('created', 'changed', 'unchanged', 'rejected')),
  is_draft boolean NOT NULL DEFAULT false,
  changed_fields text[] NOT NULL DEFAULT '{}',
  fields jsonb NOT NULL DEFAULT '{}',
  fields_hash text NOT NULL DEFAULT '',
  source jsonb NOT NULL DEFAULT '[]',
  findings jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (import_id, row_no)
);
CREATE INDEX govopen_import_row_verdict ON govopen_import_row (import_id, verdict, row_no);
CREATE INDEX govopen_import_recent ON govopen_import (created_at DESC);

-- Rates: every figure is a sum over these rows.
CREATE TABLE govopen_rate_membership (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  rate text NOT NULL,
  variant text NOT NULL,
  record text NOT NULL,                       -- unit id, or entry code of the inventory
  unit_id text NOT NULL,
  side text NOT NULL CHECK (side IN ('numerator', 'denominator', 'excluded')),
  amount bigint NOT NULL,
  reason text NOT NULL,
  from_on date NOT NULL,
  to_on date,                                 -- exclusive
  recorded_from timestamptz NOT NULL DEFAULT govopen_now(),
  recorded_to timestamptz
);
CREATE INDEX govopen_rate_membership_record ON govopen_rate_membership (record) WHERE recorded_to IS NULL;
CREATE INDEX govopen_rate_membership_rows ON govopen_rate_membership (rate, variant, side, record);
CREATE UNIQUE INDEX govopen_rate_membership_once ON govopen_rate_membership
  (rate, variant, side, record, from_on, unit_id) WHERE recorded_to IS NULL;
CREATE INDEX govopen_rate_membership_unit ON govopen_rate_membership (unit_id, rate, variant, side, record)
  WHERE recorded_to IS NULL;

-- Sums of the memberships of each unit, one row for each day on which they change; derived, rebuildable.
-- A figure at a date is one index probe for each unit, however long the history is.
CREATE TABLE govopen_rate_step (
  rate text NOT NULL,
  variant text NOT NULL,
  unit_id text NOT NULL,
  from_on date NOT NULL,                      -- holds until the unit's next step
  numerator bigint NOT NULL,
  denominator bigint NOT NULL,
  excluded bigint NOT NULL,                   -- rows kept out
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz,
  CHECK (recorded_to > recorded_from)
);
CREATE UNIQUE INDEX govopen_rate_step_now ON govopen_rate_step (rate, variant, unit_id, from_on)
  INCLUDE (numerator, denominator, excluded) WHERE recorded_to IS NULL;
CREATE INDEX govopen_rate_step_known ON govopen_rate_step (rate, variant, unit_id, from_on DESC, recorded_from)
  INCLUDE (recorded_to, numerator, denominator, excluded);
CREATE INDEX govopen_rate_step_unit ON govopen_rate_step (unit_id) WHERE recorded_to IS NULL;
CREATE TABLE govopen_metric_snapshot (
  period_end date NOT NULL,
  period text NOT NULL,
  rule_set text NOT NULL,
  figures jsonb NOT NULL,
  file_sha256 text NOT NULL,
  frozen_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (period_end, period)
);

CREATE TABLE govopen_index_outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  package_id text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
