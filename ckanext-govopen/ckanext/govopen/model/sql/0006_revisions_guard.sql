-- The guard knows revisions and refresh rules; the bytes that are hashed are those of before.

CREATE FUNCTION govopen_content(pid text, version int) RETURNS jsonb LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT jsonb_build_array(version,
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
  ) WHERE version = 1 $$;

CREATE FUNCTION govopen_hash(content jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(content::text, 'UTF8')), 'hex') $$;

CREATE OR REPLACE FUNCTION govopen_content_hash(pid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT govopen_hash(govopen_content(pid, version)) $$;

-- A content without the bytes of its files: what a refresh may not touch.
CREATE FUNCTION govopen_frame(content jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_set(content, '{2}', coalesce((SELECT jsonb_agg(
      jsonb_build_array(r.v -> 0 #- '{hash}' #- '{size}', r.v -> 3, r.v -> 4, r.v -> 5) ORDER BY r.n)
    FROM jsonb_array_elements(CASE jsonb_typeof(content -> 2) WHEN 'array' THEN content -> 2 ELSE '[]' END)
      WITH ORDINALITY r(v, n)), 'null')) $$;

CREATE FUNCTION govopen_rule_hash(rid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT govopen_hash(jsonb_build_array(version, to_jsonb(x) - '{created_at,created_by}'::text[]))
  FROM govopen_refresh_rule x WHERE x.id = rid AND version = 1 $$;

CREATE OR REPLACE FUNCTION govopen_record_hash(rtype text, rid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE rtype WHEN 'package' THEN govopen_content_hash(rid, version)
                    WHEN 'register_version' THEN govopen_version_hash(rid, version)
                    WHEN 'revision' THEN (SELECT v.content_hash FROM govopen_pending_revision v WHERE v.id = rid)
                    WHEN 'refresh_rule' THEN govopen_rule_hash(rid, version) END $$;

-- True when no return, withdrawal or replacement has come after a submission. What was withdrawn or hidden
-- takes every standing opinion about the record along, also one about a content that waits.
CREATE FUNCTION govopen_still_stands(s govopen_opinion) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT s.result = 'submitted' AND s.person <> 'system' AND coalesce(s.not_before <= govopen_now(), true)
    AND NOT EXISTS (SELECT FROM govopen_opinion v
      WHERE v.record_type = s.record_type AND v.record_id = s.record_id AND v.seq > s.seq
        AND (v.result IN ('withdrawn', 'hidden')
          OR v.content_hash = s.content_hash AND v.result IN ('returned', 'withheld', 'superseded'))) $$;

CREATE FUNCTION govopen_people_approved(rtype text, rid text, h text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    WHERE record_type = rtype AND record_id = rid AND content_hash = h AND a.result = 'approved' AND a.seq > s.seq
      AND a.person <> s.person AND a.person <> 'system' AND a.refresh_rule IS NULL AND govopen_still_stands(s)) $$;

-- The rule under which the system approved a content of a package; the rule is itself approved by two people and
-- was neither expired nor revoked at that moment.
CREATE FUNCTION govopen_rule_of(pid text, h text) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT x.id FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    JOIN govopen_refresh_rule x ON x.id = a.refresh_rule AND x.package_id = pid
    JOIN govopen_review r ON r.record_type = 'refresh_rule' AND r.record_id = x.id AND r.state = 'published'
  WHERE s.record_type = 'package' AND s.record_id = pid AND s.content_hash = h AND a.result = 'approved' AND a.seq > s.seq
    AND a.person = 'system' AND govopen_still_stands(s)
    AND (a.recorded_at AT TIME ZONE 'Asia/Shanghai')::date <= x.expires_on
    AND NOT EXISTS (SELECT FROM govopen_refresh_revocation v WHERE v.rule_id = x.id AND v.recorded_at < a.recorded_at)
    AND govopen_people_approved('refresh_rule', x.id, govopen_rule_hash(x.id, r.hash_version))
  ORDER BY a.seq DESC LIMIT 1 $$;

CREATE OR REPLACE FUNCTION govopen_approved(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_review r, LATERAL govopen_record_hash(rtype, rid, r.hash_version) h
    WHERE r.record_type = rtype AND r.record_id = rid AND r.state = 'published'
      AND (r.embargo_until IS NULL OR r.embargo_until <= govopen_now())
      AND (govopen_people_approved(rtype, rid, h) OR rtype = 'package' AND govopen_rule_of(rid, h) IS NOT NULL)) $$;

-- At the moment of publication a rule must be in force, and only bytes of files may differ from the version before.
CREATE FUNCTION govopen_note_publication(pid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE body jsonb; h text; frame text; rule text; latest govopen_published_version;
BEGIN
  SELECT govopen_content(pid, r.hash_version) INTO body FROM govopen_review r
    WHERE r.record_type = 'package' AND r.record_id = pid;
  h := govopen_hash(body); frame := govopen_hash(govopen_frame(body));
  SELECT * INTO latest FROM govopen_published_version WHERE package_id = pid ORDER BY number DESC LIMIT 1;
  IF NOT govopen_people_approved('package', pid, h) THEN
    rule := govopen_rule_of(pid, h);
    IF rule IS NULL OR latest.frame_hash IS DISTINCT FROM frame
        OR EXISTS (SELECT FROM govopen_refresh_revocation v WHERE v.rule_id = rule)
        OR NOT EXISTS (SELECT FROM govopen_refresh_rule x WHERE x.id = rule AND x.expires_on >= govopen_today()) THEN
      RAISE EXCEPTION 'package % is outside its refresh rule', pid USING ERRCODE = '23514'; END IF;
  END IF;
  INSERT INTO govopen_published_version (package_id, number, content, content_hash, frame_hash, refresh_rule, data_on)
    SELECT pid, coalesce(latest.number, 0) + 1, body, h, frame, rule,
      coalesce((SELECT max((f.recorded_at AT TIME ZONE 'Asia/Shanghai')::date) FROM govopen_file f
        JOIN resource r ON r.id = f.resource_id WHERE r.package_id = pid AND r.state = 'active'),
        latest.data_on, govopen_today());
END $$;

CREATE OR REPLACE FUNCTION govopen_guard_package() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.private IS NOT TRUE AND (TG_OP = 'DELETE' OR NEW.state <> 'active') THEN
    RAISE EXCEPTION 'package % is public: withdraw it first', OLD.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (NEW.state IS DISTINCT FROM 'active'
      OR current_setting('transaction_isolation') <> 'read committed'
      OR NOT govopen_approved('package', NEW.id)) THEN
    RAISE EXCEPTION 'package % is not approved for publication', NEW.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (TG_OP = 'INSERT' OR OLD.private IS TRUE) THEN
    PERFORM govopen_note_publication(NEW.id); END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION govopen_note_publication(text) FROM PUBLIC;   -- it writes

-- A revision: its hash comes from its content, and from its submission on neither it nor its files change.
CREATE FUNCTION govopen_hash_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := govopen_hash(NEW.content);
  RETURN NEW;
END $$;
CREATE TRIGGER govopen_hash BEFORE INSERT OR UPDATE ON govopen_pending_revision
  FOR EACH ROW EXECUTE FUNCTION govopen_hash_revision();

CREATE FUNCTION govopen_guard_revision() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE o jsonb := to_jsonb(OLD); n jsonb := to_jsonb(NEW); ids text[];
BEGIN
  ids := CASE TG_TABLE_NAME WHEN 'govopen_pending_revision' THEN ARRAY[o ->> 'id', n ->> 'id']
                            ELSE ARRAY[o ->> 'revision_id', n ->> 'revision_id'] END;
  -- A statement of its own: whoever waits here for a submission wakes in a new snapshot.
  PERFORM FROM govopen_pending_revision WHERE id = ANY (ids) ORDER BY id FOR SHARE;
  IF EXISTS (SELECT FROM govopen_review r WHERE r.record_type = 'revision' AND r.record_id = ANY (ids)
      AND r.state NOT IN ('draft', 'returned')) THEN
    RAISE EXCEPTION 'revision is frozen: % refused on %', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{govopen_pending_revision,govopen_revision_file}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_guard AFTER INSERT OR UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_guard_revision()', t); END LOOP;
  FOREACH t IN ARRAY '{govopen_refresh_rule,govopen_refresh_revocation,govopen_published_version}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change()', t);
    EXECUTE format('CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change()', t); END LOOP;
END $$;

-- A revision that leaves the hands of its unit is locked first: an edit under way is waited for, a later one refused.
CREATE FUNCTION govopen_freeze_revision() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM FROM govopen_pending_revision WHERE id = NEW.record_id FOR NO KEY UPDATE;
  RETURN NEW;
END $$;
CREATE TRIGGER govopen_freeze BEFORE UPDATE ON govopen_review FOR EACH ROW
  WHEN (NEW.record_type = 'revision' AND NEW.state IS DISTINCT FROM OLD.state)
  EXECUTE FUNCTION govopen_freeze_revision();
