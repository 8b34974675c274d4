-- Back to one type of register. Adjustments that are being written and what says what held when are lost; rows
-- that the older tables do not know stay in the log: it only grows.
DROP TRIGGER govopen_take_codes ON govopen_register_log;
DROP FUNCTION govopen_take_codes();
DROP TABLE govopen_register_review, govopen_register_draft_change, govopen_register_draft, govopen_register_link,
  govopen_register_entry, govopen_register_span, govopen_notice_number, govopen_register_code;
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
  IF v.number IS DISTINCT FROM 1 + (SELECT count(*) FROM govopen_register_version o JOIN govopen_review r
        ON r.record_type = 'register_version' AND r.record_id = o.id AND r.state = 'published'
        WHERE o.register_id = v.register_id AND o.id <> v.id)
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
        WHERE o.entry_code = e.entry_code AND o.log_seq >= e.log_seq AND o.version_id <> e.version_id OFFSET 0) o
      CROSS JOIN LATERAL (SELECT FROM govopen_review r WHERE r.record_type = 'register_version'
        AND r.record_id = o.version_id AND r.state = 'published' OFFSET 0) r
      WHERE e.version_id = v.id) THEN
    RAISE EXCEPTION 'register version % is older than what is published', v.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION govopen_version_hash(vid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT encode(sha256(convert_to(jsonb_build_array(version,
    jsonb_build_array(v.register_id, g.register_type, g.unit_id, g.region_code, v.basis, v.reason, v.effective_on),
    (SELECT jsonb_agg(l.hash ORDER BY l.entry_code COLLATE "C")
       FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
      WHERE e.version_id = vid)
  )::text, 'UTF8')), 'hex')
  FROM govopen_register_version v JOIN govopen_register g ON g.id = v.register_id
 WHERE v.id = vid AND version = 1 $$;
CREATE OR REPLACE VIEW govopen_public_entry AS
  SELECT e.entry_code, e.register_id, e.log_seq, v.id AS version_id, v.number, v.effective_on, v.published_at, l.change,
    l.hash, l.prev_hash, CASE WHEN m.act IS DISTINCT FROM 'hide' THEN l.public END AS public
  FROM govopen_register_version_entry e
  JOIN govopen_public_version v ON v.id = e.version_id
  JOIN govopen_register_log l ON l.seq = e.log_seq
  LEFT JOIN LATERAL (SELECT act FROM govopen_register_mask m WHERE m.log_seq = e.log_seq AND act <> 'erase_private'
    ORDER BY m.id DESC LIMIT 1) m ON true;
DROP FUNCTION govopen_check_days(govopen_register_version), govopen_rebuild_spans(text), govopen_project_entries(text, date),
  govopen_write_spans(text), govopen_entry_status(jsonb), govopen_effective_on(bytea, date);
DROP INDEX govopen_register_version_entry_code, govopen_register_log_entry;
ALTER TABLE govopen_register_version_entry DROP COLUMN effective_on;
ALTER TABLE govopen_register_version DROP COLUMN basis_doc, DROP COLUMN requested_on, DROP COLUMN prose, DROP COLUMN notice_no;
CREATE INDEX govopen_register_version_entry_code ON govopen_register_version_entry (entry_code, log_seq);
CREATE INDEX govopen_register_log_entry ON govopen_register_log (entry_code, seq);
CREATE UNIQUE INDEX govopen_register_log_add ON govopen_register_log (entry_code) WHERE change = 'add';
ALTER TABLE govopen_register_log DROP CONSTRAINT govopen_register_log_change_check;
ALTER TABLE govopen_register_log ADD CONSTRAINT govopen_register_log_change_check CHECK (change IN ('add', 'change', 'cancel',
  'correct', 'undo', 'transfer', 'publish')) NOT VALID;
ALTER TABLE govopen_review_case DROP CONSTRAINT govopen_review_case_kind_check;
ALTER TABLE govopen_review_case ADD CONSTRAINT govopen_review_case_kind_check
  CHECK (kind IN ('dataset', 'inventory', 'batch', 'reform')) NOT VALID;
