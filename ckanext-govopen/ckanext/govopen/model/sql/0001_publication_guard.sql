-- Nothing is public without an approved review of exactly its content, and what is public is frozen.
-- The content hash is computed here, from the stored rows, and nowhere else.

CREATE FUNCTION govopen_row(j jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$   -- what counts of one row
  SELECT coalesce(jsonb_object_agg(e.key, e.value), '{}') FROM (
    SELECT key, CASE WHEN key IN ('extras', 'config') AND value <> 'null' THEN    -- JSON kept as text, or jsonb
      (SELECT jsonb_object_agg(x.key, x.value) FROM jsonb_each(CASE jsonb_typeof(value) WHEN 'string'
         THEN coalesce(nullif(value #>> '{}', ''), '{}')::jsonb ELSE value END) x
       WHERE x.value NOT IN ('null', '""')
         AND NOT (x.key IN ('datastore_active', 'datastore_contains_all_records_of_source_file')
                  AND jsonb_typeof(x.value) = 'boolean'))
      ELSE value END
    FROM jsonb_each(j) WHERE key <> ALL ('{private,state,plugin_data,creator_user_id,created,last_modified,
      metadata_created,metadata_modified,cache_url,cache_last_updated,position,package_id}'::text[])) e(key, value)
  WHERE e.value NOT IN ('null', '""', '{}', '[]') $$;

CREATE FUNCTION govopen_content_hash(pid text, version int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(jsonb_build_array(version,
    (SELECT govopen_row(to_jsonb(p)) FROM package p WHERE p.id = pid),
    (SELECT jsonb_agg(jsonb_build_array(govopen_row(to_jsonb(r)), f.sha256, f.size, f.filename, f.media_type,
        (SELECT jsonb_agg(govopen_row(to_jsonb(v)) ORDER BY v."order", v.id COLLATE "C")
           FROM resource_view v WHERE v.resource_id = r.id))
        ORDER BY r.position, r.id COLLATE "C")
       FROM resource r LEFT JOIN govopen_file f ON f.resource_id = r.id
      WHERE r.package_id = pid AND r.state = 'active'),
    (SELECT jsonb_agg(jsonb_build_array(t.vocabulary_id, t.name)
        ORDER BY t.vocabulary_id COLLATE "C", t.name COLLATE "C")
       FROM package_tag x JOIN tag t ON t.id = x.tag_id WHERE x.package_id = pid AND x.state = 'active'),
    (SELECT jsonb_agg(m.group_id ORDER BY m.group_id COLLATE "C") FROM member m
      WHERE m.table_name = 'package' AND m.table_id = pid AND m.capacity <> 'organization' AND m.state = 'active')
  )::text, 'UTF8')), 'hex') WHERE version = 1 $$;

CREATE FUNCTION govopen_version_hash(vid text, version int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT encode(sha256(convert_to(jsonb_build_array(version,
    jsonb_build_array(v.register_id, g.register_type, g.unit_id, g.region_code, v.basis, v.reason, v.effective_on),
    (SELECT jsonb_agg(l.hash ORDER BY l.entry_code COLLATE "C")
       FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
      WHERE e.version_id = vid)
  )::text, 'UTF8')), 'hex')
  FROM govopen_register_version v JOIN govopen_register g ON g.id = v.register_id
 WHERE v.id = vid AND version = 1 $$;

CREATE FUNCTION govopen_record_hash(rtype text, rid text, version int) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT CASE rtype WHEN 'package' THEN govopen_content_hash(rid, version)
                    WHEN 'register_version' THEN govopen_version_hash(rid, version) END $$;

-- True when a published review row stands on the opinions of two people for the present content.
CREATE FUNCTION govopen_approved(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT EXISTS (SELECT FROM govopen_review r, LATERAL govopen_record_hash(rtype, rid, r.hash_version) h
    WHERE r.record_type = rtype AND r.record_id = rid AND r.state = 'published'
      AND (r.embargo_until IS NULL OR r.embargo_until <= govopen_now())
      AND EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
        WHERE record_type = rtype AND record_id = rid AND content_hash = h
          AND s.result = 'submitted' AND a.result = 'approved' AND a.person <> s.person
          AND a.seq > s.seq AND s.seq > ALL (SELECT v.seq FROM govopen_opinion v
            WHERE v.record_type = rtype AND v.record_id = rid AND v.content_hash = h
              AND v.result IN ('returned', 'withheld', 'withdrawn', 'superseded', 'hidden')))) $$;

CREATE FUNCTION govopen_guard_package() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.private IS NOT TRUE AND (TG_OP = 'DELETE' OR NEW.state <> 'active') THEN
    RAISE EXCEPTION 'package % is public: withdraw it first', OLD.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (NEW.state IS DISTINCT FROM 'active'
      OR current_setting('transaction_isolation') <> 'read committed'
      OR NOT govopen_approved('package', NEW.id)) THEN
    RAISE EXCEPTION 'package % is not approved for publication', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;

CREATE FUNCTION govopen_guard_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE o jsonb := to_jsonb(OLD); n jsonb := to_jsonb(NEW); ids text[];
BEGIN
  IF TG_OP = 'UPDATE' AND govopen_row(o) = govopen_row(n) AND (o ->> 'state', o ->> 'position', o ->> 'package_id')
      IS NOT DISTINCT FROM (n ->> 'state', n ->> 'position', n ->> 'package_id') THEN RETURN NULL; END IF;
  ids := CASE
    WHEN TG_TABLE_NAME = 'govopen_review' THEN
      ARRAY[CASE WHEN o ->> 'record_type' = 'package' THEN o ->> 'record_id' END,
            CASE WHEN n ->> 'record_type' = 'package' THEN n ->> 'record_id' END]
    WHEN TG_TABLE_NAME = 'member' THEN
      ARRAY[CASE WHEN o ->> 'table_name' = 'package' THEN o ->> 'table_id' END,
            CASE WHEN n ->> 'table_name' = 'package' THEN n ->> 'table_id' END]
    WHEN TG_TABLE_NAME IN ('resource_view', 'govopen_file') THEN
      ARRAY(SELECT package_id FROM resource WHERE id IN (o ->> 'resource_id', n ->> 'resource_id'))
    ELSE ARRAY[o ->> 'package_id', n ->> 'package_id'] END;
  -- A statement of its own, without a filter: whoever waits here wakes in a new snapshot.
  PERFORM FROM package WHERE id = ANY (ids) ORDER BY id FOR SHARE;
  IF EXISTS (SELECT FROM package p WHERE p.id = ANY (ids) AND p.private IS NOT TRUE
       AND (TG_TABLE_NAME <> 'govopen_review' OR NOT govopen_approved('package', p.id)))
    OR TG_TABLE_NAME = 'resource' AND o ->> 'package_id' <> n ->> 'package_id' THEN   -- a resource never moves
    RAISE EXCEPTION 'public or fixed: % refused on %', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;

-- Register versions: published whole, in order, recorded in the chain, and frozen from then on.
CREATE FUNCTION govopen_guard_version() RETURNS trigger LANGUAGE plpgsql
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

CREATE FUNCTION govopen_guard_version_part() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE o jsonb := to_jsonb(OLD); n jsonb := to_jsonb(NEW); ids text[];
BEGIN
  ids := CASE TG_TABLE_NAME WHEN 'govopen_register_version' THEN ARRAY[o ->> 'id', n ->> 'id']
                            ELSE ARRAY[o ->> 'version_id', n ->> 'version_id'] END;
  PERFORM FROM govopen_register_version WHERE id = ANY (ids) ORDER BY id FOR SHARE;   -- exists before its review does
  IF EXISTS (SELECT FROM govopen_review r WHERE r.record_type = 'register_version'
               AND r.record_id = ANY (ids) AND r.state = 'published') THEN
    RAISE EXCEPTION 'register version is published: % refused on %', TG_OP, TG_TABLE_NAME
      USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;

-- Adding entries is checked once for a statement: a version may hold 100,000 of them.
CREATE FUNCTION govopen_guard_version_added() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE ids text[] := ARRAY(SELECT DISTINCT version_id FROM added);
BEGIN
  PERFORM FROM govopen_register_version WHERE id = ANY (ids) ORDER BY id FOR SHARE;
  IF EXISTS (SELECT FROM govopen_review r WHERE r.record_type = 'register_version'
               AND r.record_id = ANY (ids) AND r.state = 'published') THEN
    RAISE EXCEPTION 'register version is published: INSERT refused on %', TG_TABLE_NAME USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{resource,package_tag,member,resource_view,govopen_file,govopen_review}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_guard AFTER INSERT OR UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_guard_part()', t); END LOOP;
  FOREACH t IN ARRAY '{"govopen_content_hash(text,int)","govopen_version_hash(text,int)",
      "govopen_record_hash(text,text,int)","govopen_approved(text,text)",govopen_guard_package(),
      govopen_guard_part(),govopen_guard_version(),govopen_guard_version_part()}'::text[] LOOP
    EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp', t); END LOOP;
END $$;
CREATE TRIGGER govopen_guard AFTER INSERT OR UPDATE OR DELETE ON govopen_register_version
  FOR EACH ROW EXECUTE FUNCTION govopen_guard_version_part();
CREATE TRIGGER govopen_guard AFTER UPDATE OR DELETE ON govopen_register_version_entry
  FOR EACH ROW EXECUTE FUNCTION govopen_guard_version_part();
CREATE TRIGGER govopen_guard_added AFTER INSERT ON govopen_register_version_entry
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION govopen_guard_version_added();
CREATE TRIGGER govopen_guard AFTER INSERT OR UPDATE OR DELETE ON package
  FOR EACH ROW EXECUTE FUNCTION govopen_guard_package();
CREATE TRIGGER govopen_guard_version AFTER INSERT OR UPDATE OR DELETE ON govopen_review
  FOR EACH ROW EXECUTE FUNCTION govopen_guard_version();

-- What every public read asks.
CREATE VIEW govopen_public AS SELECT p.id, p.name FROM package p
  JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = p.id
  WHERE p.private IS FALSE AND p.state = 'active' AND r.state = 'published';

-- A version's moment is that of its publish row in the chain.
CREATE VIEW govopen_public_version AS
  SELECT v.id, v.register_id, v.number, v.effective_on, l.recorded_at AS published_at
  FROM govopen_register_version v
  JOIN govopen_review r ON r.record_type = 'register_version' AND r.record_id = v.id
  JOIN govopen_register_log l ON l.version_id = v.id AND l.kind = 'publish'
  WHERE r.state = 'published';

-- What the public reads of registers: the bytes of the log, never the projection's columns.
CREATE VIEW govopen_public_entry AS
  SELECT e.entry_code, e.register_id, e.log_seq, v.id AS version_id, v.number, v.effective_on, v.published_at, l.change,
    l.hash, l.prev_hash, CASE WHEN m.act IS DISTINCT FROM 'hide' THEN l.public END AS public
  FROM govopen_register_version_entry e
  JOIN govopen_public_version v ON v.id = e.version_id
  JOIN govopen_register_log l ON l.seq = e.log_seq
  LEFT JOIN LATERAL (SELECT act FROM govopen_register_mask m WHERE m.log_seq = e.log_seq AND act <> 'erase_private'
    ORDER BY m.id DESC LIMIT 1) m ON true;
