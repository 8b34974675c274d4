-- One engine for every type of register: codes, effective dates of entries, what held when and since
-- when that is known, entries in force with their links, and adjustments that are being written.

-- What an adjustment can do to an entry (vocabulary register_change); 'undo' takes an import back.
ALTER TABLE govopen_register_log DROP CONSTRAINT govopen_register_log_change_check;
ALTER TABLE govopen_register_log ADD CONSTRAINT govopen_register_log_change_check CHECK (change IN ('add', 'cancel',
  'delegate', 'undertake', 'retrieve', 'entrust', 'change', 'merge', 'split', 'transfer', 'suspend', 'resume', 'convert',
  'correct', 'undo', 'publish'));
ALTER TABLE govopen_review_case DROP CONSTRAINT govopen_review_case_kind_check;
ALTER TABLE govopen_review_case ADD CONSTRAINT govopen_review_case_kind_check
  CHECK (kind IN ('dataset', 'inventory', 'register', 'batch', 'reform'));

-- A code belongs to one type and region and is never given again; an entry may be looked up under
-- the same code in the register that gave it away and in the one that received it.
CREATE TABLE govopen_register_code (
  register_type text NOT NULL,
  region_code text NOT NULL,
  entry_code text NOT NULL,
  register_id text NOT NULL REFERENCES govopen_register,   -- which opened it
  log_seq bigint NOT NULL,                                 -- by this row
  PRIMARY KEY (register_type, region_code, entry_code)
);
INSERT INTO govopen_register_code
  SELECT DISTINCT ON (r.register_type, r.region_code, l.entry_code)
    r.register_type, r.region_code, l.entry_code, l.register_id, l.seq
  FROM govopen_register_log l JOIN govopen_register r ON r.id = l.register_id
  WHERE l.kind = 'entry' ORDER BY r.register_type, r.region_code, l.entry_code, l.seq;
DROP INDEX govopen_register_log_add;
DROP INDEX govopen_register_log_entry;
CREATE INDEX govopen_register_log_entry ON govopen_register_log (entry_code, register_id, seq);

CREATE FUNCTION govopen_take_codes() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE taken record;
BEGIN
  INSERT INTO govopen_register_code
    SELECT DISTINCT ON (r.register_type, r.region_code, a.entry_code)
      r.register_type, r.region_code, a.entry_code, a.register_id, a.seq
    FROM added a JOIN govopen_register r ON r.id = a.register_id
    WHERE a.kind = 'entry' ORDER BY r.register_type, r.region_code, a.entry_code, a.seq ON CONFLICT DO NOTHING;
  -- A statement of its own: whoever waited above for the same code goes on in a new snapshot.
  SELECT a.register_id, a.entry_code INTO taken
    FROM added a JOIN govopen_register r ON r.id = a.register_id
    JOIN govopen_register_code c ON (c.register_type, c.region_code, c.entry_code)
      = (r.register_type, r.region_code, a.entry_code)
    WHERE a.kind = 'entry' AND c.log_seq <> a.seq AND (
      c.register_id <> a.register_id AND a.change <> 'transfer' AND NOT EXISTS (SELECT FROM govopen_register_log l
        WHERE l.entry_code = a.entry_code AND l.register_id = a.register_id AND l.seq < a.seq)
      -- An addition that came back from its review is written again; nothing else opens a code twice.
      OR a.change IN ('add', 'undertake') AND (c.register_id <> a.register_id
        OR NOT EXISTS (SELECT FROM govopen_register_version_entry e
          WHERE e.register_id = a.register_id AND e.entry_code = a.entry_code)
        OR EXISTS (SELECT FROM govopen_register_version_entry e JOIN govopen_review w
          ON w.record_type = 'register_version' AND w.record_id = e.version_id AND w.state = 'published'
          WHERE e.register_id = a.register_id AND e.entry_code = a.entry_code)))
    LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'register %: the code % is taken', taken.register_id, taken.entry_code USING ERRCODE = '23505';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_take_codes AFTER INSERT ON govopen_register_log REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_take_codes();

-- A version's facts beside basis and reason; what is null stays out of its hash, so that older hashes hold.
ALTER TABLE govopen_register_version
  ADD COLUMN basis_doc text,
  ADD COLUMN requested_on date,
  ADD COLUMN prose text,                      -- said by the office above the table of the notice
  ADD COLUMN notice_no text;                  -- given when published
CREATE TABLE govopen_notice_number (          -- the last number of each unit and year
  unit_id text NOT NULL,
  year integer NOT NULL,
  last integer NOT NULL,
  PRIMARY KEY (unit_id, year)
);

CREATE OR REPLACE FUNCTION govopen_version_hash(vid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT encode(sha256(convert_to((jsonb_build_array(version,
    jsonb_build_array(v.register_id, g.register_type, g.unit_id, g.region_code, v.basis, v.reason, v.effective_on),
    (SELECT jsonb_agg(l.hash ORDER BY l.entry_code COLLATE "C")
       FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
      WHERE e.version_id = vid))
    || CASE WHEN num_nonnulls(v.basis_doc, v.requested_on, v.prose) = 0 THEN '[]'
       ELSE jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
         'basis_doc', v.basis_doc, 'prose', v.prose, 'requested_on', v.requested_on))) END
  )::text, 'UTF8')), 'hex')
  FROM govopen_register_version v JOIN govopen_register g ON g.id = v.register_id
 WHERE v.id = vid AND version = 1 $$;

-- The day from which an entry of a version counts: what its bytes say, else the day of the version.
-- A correction counts from the day of the version that it mends.
CREATE FUNCTION govopen_effective_on(public_part bytea, otherwise date) RETURNS date LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN position('\x226566666563746976655f6f6e223a'::bytea IN public_part) > 0   -- "effective_on":
    THEN coalesce((convert_from(public_part, 'UTF8')::jsonb ->> 'effective_on')::date, otherwise) ELSE otherwise END $$;

ALTER TABLE govopen_register_version_entry DISABLE TRIGGER USER;
ALTER TABLE govopen_register_version_entry ADD COLUMN effective_on date;
UPDATE govopen_register_version_entry e SET effective_on = v.effective_on
  FROM govopen_register_version v WHERE v.id = e.version_id;
ALTER TABLE govopen_register_version_entry ENABLE TRIGGER USER;
ALTER TABLE govopen_register_version_entry ALTER COLUMN effective_on SET NOT NULL;
DROP INDEX govopen_register_version_entry_code;
CREATE INDEX govopen_register_version_entry_code ON govopen_register_version_entry (entry_code, register_id, log_seq);

CREATE OR REPLACE VIEW govopen_public_entry AS
  SELECT e.entry_code, e.register_id, e.log_seq, v.id AS version_id, v.number, e.effective_on, v.published_at, l.change,
    l.hash, l.prev_hash, CASE WHEN m.act IS DISTINCT FROM 'hide' THEN l.public END AS public
  FROM govopen_register_version_entry e
  JOIN govopen_public_version v ON v.id = e.version_id
  JOIN govopen_register_log l ON l.seq = e.log_seq
  LEFT JOIN LATERAL (SELECT act FROM govopen_register_mask m WHERE m.log_seq = e.log_seq AND act <> 'erase_private'
    ORDER BY m.id DESC LIMIT 1) m ON true;

-- What held when (valid), and since when that is known (recorded). Written by the guard alone, when a
-- version becomes public; computed anew from the log it is the same.
CREATE TABLE govopen_register_span (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  register_id text NOT NULL REFERENCES govopen_register,
  entry_code text NOT NULL COLLATE "C",
  log_seq bigint NOT NULL REFERENCES govopen_register_log,
  version_id text NOT NULL REFERENCES govopen_register_version,
  number integer NOT NULL,
  change text NOT NULL,
  status text NOT NULL CHECK (status IN ('in_force', 'cancelled', 'delegated', 'transferred', 'suspended', 'merged')),
  in_force boolean NOT NULL GENERATED ALWAYS AS (status IN ('in_force', 'suspended')) STORED,
  name text,                                  -- null: shown as an opaque reference
  valid_from date NOT NULL,
  valid_to date NOT NULL DEFAULT 'infinity' CHECK (valid_to > valid_from),   -- exclusive
  recorded_from timestamptz NOT NULL,
  recorded_to timestamptz                     -- null: known now
);
-- Pages by code: everything; what is in force now and was on some day. Days: comparisons, and lists of
-- a day on which little was in force yet, or is in force still.
CREATE INDEX govopen_register_span_known ON govopen_register_span (register_id, entry_code, valid_from);
CREATE UNIQUE INDEX govopen_register_span_now ON govopen_register_span (register_id, entry_code, valid_from)
  INCLUDE (valid_to, in_force) WHERE recorded_to IS NULL;
CREATE INDEX govopen_register_span_from ON govopen_register_span (register_id, valid_from) WHERE recorded_to IS NULL;
CREATE INDEX govopen_register_span_to ON govopen_register_span (register_id, valid_to)
  WHERE recorded_to IS NULL AND in_force;
CREATE INDEX govopen_register_span_log ON govopen_register_span (log_seq);

-- The newest approved content of each entry, by its register; the inventory has a projection of its own.
CREATE TABLE govopen_register_entry (
  register_id text NOT NULL REFERENCES govopen_register,
  register_type text NOT NULL,
  unit_id text NOT NULL,
  region_code text NOT NULL,
  entry_code text NOT NULL COLLATE "C",
  parent_code text,
  status text NOT NULL,
  name text,
  fields jsonb NOT NULL,                      -- public ones
  valid_from date NOT NULL,                   -- may still be to come
  log_seq bigint NOT NULL REFERENCES govopen_register_log,
  number integer NOT NULL,
  changed_on date NOT NULL,                   -- day of publishing
  PRIMARY KEY (register_id, entry_code)
);
CREATE INDEX govopen_register_entry_code ON govopen_register_entry (register_type, region_code, entry_code);
CREATE INDEX govopen_register_entry_parent ON govopen_register_entry (register_id, parent_code) WHERE parent_code IS NOT NULL;
CREATE INDEX govopen_register_entry_name ON govopen_register_entry (register_type, unit_id, name);
CREATE TABLE govopen_register_link (          -- of entries in force: fields that name other entries
  register_id text NOT NULL,
  entry_code text NOT NULL COLLATE "C",
  field text NOT NULL,
  to_type text NOT NULL,
  to_code text NOT NULL,
  PRIMARY KEY (register_id, entry_code, field, to_type, to_code),
  FOREIGN KEY (register_id, entry_code) REFERENCES govopen_register_entry ON DELETE CASCADE
);
CREATE INDEX govopen_register_link_to ON govopen_register_link (to_type, to_code);

CREATE FUNCTION govopen_entry_status(j jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(j ->> 'status', CASE WHEN j ->> 'change' = 'cancel' THEN 'cancelled' ELSE 'in_force' END) $$;

-- Of several versions of an entry that have begun, the one with the later day holds, then the one with
-- the later number (domain.registers.entries_at). A version that becomes public is the newest, so its row
-- holds from its day until the next one begins; whatever held on its day ends there.
-- One index probe an entry, whatever the statistics say inside a fresh import.
CREATE FUNCTION govopen_write_spans(vid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE v record;
BEGIN
  SELECT r.register_id, r.number, g.register_type, g.unit_id, g.region_code, l.recorded_at AS moment INTO STRICT v
    FROM govopen_register_version r JOIN govopen_register g ON g.id = r.register_id
    JOIN govopen_register_log l ON l.version_id = r.id AND l.kind = 'publish' WHERE r.id = vid;
  WITH ended AS (
    UPDATE govopen_register_span s SET recorded_to = greatest(v.moment, s.recorded_from)
      FROM govopen_register_version_entry e
      WHERE e.version_id = vid AND s.register_id = v.register_id AND s.entry_code = e.entry_code
        AND s.recorded_to IS NULL AND s.valid_from <= e.effective_on AND s.valid_to > e.effective_on
      RETURNING s.*, e.effective_on AS cut)
  INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id, number, change, status, name,
      valid_from, valid_to, recorded_from)
    SELECT register_id, entry_code, log_seq, version_id, number, change, status, name, valid_from, cut,
      greatest(v.moment, recorded_from) FROM ended WHERE valid_from < cut;
  INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id, number, change, status, name,
      valid_from, valid_to, recorded_from)
    SELECT v.register_id, e.entry_code, e.log_seq, vid, v.number, l.change, govopen_entry_status(p.j),
      p.j -> 'fields' ->> 'name', e.effective_on, coalesce((SELECT s.valid_from FROM govopen_register_span s
        WHERE s.register_id = v.register_id AND s.entry_code = e.entry_code AND s.recorded_to IS NULL
          AND s.valid_from > e.effective_on ORDER BY s.valid_from LIMIT 1), 'infinity'), v.moment
    FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
    CROSS JOIN LATERAL (SELECT convert_from(l.public, 'UTF8')::jsonb AS j OFFSET 0) p
    WHERE e.version_id = vid;
  IF v.register_type <> 'data_inventory' THEN
    PERFORM govopen_project_entries(vid, (v.moment AT TIME ZONE 'Asia/Shanghai')::date);
  END IF;
END $$;

-- A correction of the past leaves the newest content as it is.
CREATE FUNCTION govopen_project_entries(vid text, on_day date) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  INSERT INTO govopen_register_entry AS k (register_id, register_type, unit_id, region_code, entry_code, parent_code,
      status, name, fields, valid_from, log_seq, number, changed_on)
    SELECT e.register_id, g.register_type, g.unit_id, g.region_code, e.entry_code, p.j -> 'fields' ->> 'parent_code',
      s.status, s.name, p.j -> 'fields', s.valid_from, s.log_seq, s.number, on_day
    FROM govopen_register_version_entry e JOIN govopen_register g ON g.id = e.register_id
    JOIN govopen_register_span s ON s.register_id = e.register_id AND s.entry_code = e.entry_code
      AND s.recorded_to IS NULL AND s.valid_to = 'infinity'
    JOIN govopen_register_log l ON l.seq = s.log_seq
    CROSS JOIN LATERAL (SELECT convert_from(l.public, 'UTF8')::jsonb AS j OFFSET 0) p
    WHERE e.version_id = vid
  ON CONFLICT (register_id, entry_code) DO UPDATE SET parent_code = excluded.parent_code, status = excluded.status,
    name = excluded.name, fields = excluded.fields, valid_from = excluded.valid_from, log_seq = excluded.log_seq,
    number = excluded.number, changed_on = excluded.changed_on WHERE k.log_seq <> excluded.log_seq;
  DELETE FROM govopen_register_link k USING govopen_register_version_entry e
    WHERE e.version_id = vid AND k.register_id = e.register_id AND k.entry_code = e.entry_code;
  INSERT INTO govopen_register_link
    SELECT DISTINCT k.register_id, k.entry_code, x ->> 0, x ->> 1, x ->> 2
    FROM govopen_register_version_entry e
    JOIN govopen_register_entry k ON k.register_id = e.register_id AND k.entry_code = e.entry_code
      AND k.status IN ('in_force', 'suspended')
    JOIN govopen_register_log l ON l.seq = k.log_seq
    CROSS JOIN LATERAL jsonb_path_query(convert_from(l.public, 'UTF8')::jsonb, '$.links[*]') x
    WHERE e.version_id = vid;
END $$;

-- Computes what a register says anew from its log; only what is published counts, so anybody may ask for it.
CREATE FUNCTION govopen_rebuild_spans(rid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE vid text;
BEGIN
  PERFORM FROM govopen_register WHERE id = rid FOR NO KEY UPDATE;
  DELETE FROM govopen_register_entry WHERE register_id = rid;
  DELETE FROM govopen_register_span WHERE register_id = rid;
  FOR vid IN SELECT id FROM govopen_public_version WHERE register_id = rid ORDER BY number LOOP
    PERFORM govopen_write_spans(vid);
  END LOOP;
END $$;

-- The guard looks at the register beside the code, asks for the version before instead of counting them all,
-- compares effective dates with the bytes, and writes what holds from now on.
CREATE OR REPLACE FUNCTION govopen_guard_version() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v govopen_register_version; old_state text := '';
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.record_type = 'register_version' THEN old_state := OLD.state;
    IF old_state = 'published' AND (TG_OP = 'DELETE'
        OR to_jsonb(NEW) - '{updated_at,step}'::text[] <> to_jsonb(OLD) - '{updated_at,step}'::text[]) THEN
      RAISE EXCEPTION 'register version % is published for good', OLD.record_id USING ERRCODE = '23514'; END IF;
  END IF;
  IF TG_OP = 'DELETE' OR NEW.record_type <> 'register_version' OR NEW.state <> 'published'
    OR old_state = 'published' THEN RETURN NULL; END IF;
  -- Two statements of their own: whoever waits here goes on in a new snapshot.
  PERFORM FROM govopen_register WHERE id =
    (SELECT register_id FROM govopen_register_version WHERE id = NEW.record_id) FOR NO KEY UPDATE;
  SELECT * INTO v FROM govopen_register_version WHERE id = NEW.record_id FOR UPDATE;
  IF v.id IS NULL OR current_setting('transaction_isolation') <> 'read committed'
      OR NOT govopen_approved('register_version', NEW.record_id) THEN
    RAISE EXCEPTION 'register version % is not approved', NEW.record_id USING ERRCODE = '23514'; END IF;
  -- Numbers are unique in a register, so each one with a published one before it leaves no gap.
  IF v.number IS NULL OR v.number < 1
      OR v.number > 1 AND NOT EXISTS (SELECT FROM govopen_register_version o JOIN govopen_review r
        ON r.record_type = 'register_version' AND r.record_id = o.id AND r.state = 'published'
        WHERE o.register_id = v.register_id AND o.number = v.number - 1)
      OR NOT EXISTS (SELECT FROM govopen_register_version_entry WHERE version_id = v.id)
      OR NOT EXISTS (SELECT FROM govopen_register_log l
        WHERE l.version_id = v.id AND l.kind = 'publish' AND l.register_id = v.register_id
          AND convert_from(l.public, 'UTF8')::jsonb @> jsonb_build_object('number', v.number,
            'effective_on', v.effective_on, 'approved_on', v.approved_on,
            'content', govopen_version_hash(v.id, NEW.hash_version))) THEN
    RAISE EXCEPTION 'register version % has no number, entry or publish row', v.id USING ERRCODE = '23514'; END IF;
  -- OFFSET 0 keeps it at one index probe an entry, whatever the statistics say inside a fresh import.
  IF EXISTS (SELECT FROM govopen_register_version_entry e
      CROSS JOIN LATERAL (SELECT o.version_id FROM govopen_register_version_entry o
        WHERE o.entry_code = e.entry_code AND o.register_id = e.register_id AND o.log_seq >= e.log_seq
          AND o.version_id <> e.version_id OFFSET 0) o
      CROSS JOIN LATERAL (SELECT FROM govopen_review r WHERE r.record_type = 'register_version'
        AND r.record_id = o.version_id AND r.state = 'published' OFFSET 0) r
      WHERE e.version_id = v.id) THEN
    RAISE EXCEPTION 'register version % is older than what is published', v.id USING ERRCODE = '23514'; END IF;
  PERFORM govopen_check_days(v);
  PERFORM govopen_write_spans(v.id);
  RETURN NULL;
END $$;

-- Each entry counts from the day that its bytes say; a correction from that of the version that it mends.
CREATE FUNCTION govopen_check_days(v govopen_register_version) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
      WHERE e.version_id = v.id AND (e.effective_on <> govopen_effective_on(l.public, v.effective_on)
        OR e.effective_on <> v.effective_on AND l.change <> 'correct'))
    OR EXISTS (SELECT FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
      CROSS JOIN LATERAL (SELECT (convert_from(l.public, 'UTF8')::jsonb ->> 'corrects')::integer AS number OFFSET 0) c
      WHERE e.version_id = v.id AND l.change = 'correct' AND c.number IS NOT NULL
        AND NOT EXISTS (SELECT FROM govopen_register_version o JOIN govopen_register_version_entry m ON m.version_id = o.id
          WHERE o.register_id = v.register_id AND o.number = c.number AND o.number < v.number
            AND m.entry_code = e.entry_code AND m.effective_on = e.effective_on)) THEN
    RAISE EXCEPTION 'register version % has entries of another day', v.id USING ERRCODE = '23514'; END IF;
END $$;

DO $$ DECLARE rid text; BEGIN
  FOR rid IN SELECT DISTINCT register_id FROM govopen_public_version LOOP PERFORM govopen_rebuild_spans(rid); END LOOP;
END $$;

-- Adjustments that are being written: entry by entry, so that two people can work on one list.
CREATE TABLE govopen_register_draft (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  register_id text NOT NULL REFERENCES govopen_register,
  revision integer NOT NULL DEFAULT 1,        -- grows with every change of facts or entries
  base_number integer NOT NULL DEFAULT 0,     -- the version that stood when it was begun or last rebased
  basis text NOT NULL DEFAULT '',
  basis_doc text,
  reason text NOT NULL DEFAULT '',
  requested_on date,
  approved_on date,
  effective_on date,
  prose text,
  state text NOT NULL DEFAULT 'editing' CHECK (state IN ('editing', 'submitted', 'published', 'dropped')),
  version_id text REFERENCES govopen_register_version,
  import_id text,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  updated_by text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_register_draft_register ON govopen_register_draft (register_id, state);
CREATE INDEX govopen_register_draft_version ON govopen_register_draft (version_id) WHERE version_id IS NOT NULL;
CREATE TABLE govopen_register_draft_change (
  draft_id text NOT NULL REFERENCES govopen_register_draft ON DELETE CASCADE,
  entry_code text NOT NULL COLLATE "C",
  kind text NOT NULL,
  fields jsonb NOT NULL DEFAULT '{}',         -- the whole content that the entry shall have
  extra jsonb NOT NULL DEFAULT '{}',          -- what the kind asks for: follow-up, receiver, codes, period …
  base_seq bigint,                            -- newest published row of the entry that its editor saw
  revision integer NOT NULL,                  -- of the draft, when this was written
  updated_by text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (draft_id, entry_code)
);

-- 零报告: looked through, nothing to adjust.
CREATE TABLE govopen_register_review (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  register_id text NOT NULL REFERENCES govopen_register,
  reviewed_on date NOT NULL,
  actor text NOT NULL,
  note text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE INDEX govopen_register_review_register ON govopen_register_review (register_id, reviewed_on DESC);
CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_register_review
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change();
CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON govopen_register_review
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change();
