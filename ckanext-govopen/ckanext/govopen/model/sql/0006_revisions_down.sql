-- Back to the guard of before. What waits, the rules and the history of versions are lost.
DELETE FROM govopen_review WHERE record_type IN ('revision', 'refresh_rule');
ALTER TABLE govopen_review DROP CONSTRAINT govopen_review_record_type_check;
ALTER TABLE govopen_review ADD CONSTRAINT govopen_review_record_type_check
  CHECK (record_type IN ('package', 'register_version'));
DROP TRIGGER govopen_freeze ON govopen_review;

CREATE OR REPLACE FUNCTION govopen_content_hash(pid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
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

CREATE OR REPLACE FUNCTION govopen_record_hash(rtype text, rid text, version int) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT CASE rtype WHEN 'package' THEN govopen_content_hash(rid, version)
                    WHEN 'register_version' THEN govopen_version_hash(rid, version) END $$;

CREATE OR REPLACE FUNCTION govopen_approved(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_review r, LATERAL govopen_record_hash(rtype, rid, r.hash_version) h
    WHERE r.record_type = rtype AND r.record_id = rid AND r.state = 'published'
      AND (r.embargo_until IS NULL OR r.embargo_until <= govopen_now())
      AND EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
        WHERE record_type = rtype AND record_id = rid AND content_hash = h
          AND s.result = 'submitted' AND a.result = 'approved' AND a.person <> s.person
          AND a.seq > s.seq AND s.seq > ALL (SELECT v.seq FROM govopen_opinion v
            WHERE v.record_type = rtype AND v.record_id = rid AND v.content_hash = h
              AND v.result IN ('returned', 'withheld', 'withdrawn', 'superseded', 'hidden')))) $$;

CREATE OR REPLACE FUNCTION govopen_guard_package() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.private IS NOT TRUE AND (TG_OP = 'DELETE' OR NEW.state <> 'active') THEN
    RAISE EXCEPTION 'package % is public: withdraw it first', OLD.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (NEW.state IS DISTINCT FROM 'active'
      OR current_setting('transaction_isolation') <> 'read committed'
      OR NOT govopen_approved('package', NEW.id)) THEN
    RAISE EXCEPTION 'package % is not approved for publication', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;

DROP VIEW govopen_review_target;
DROP TABLE govopen_revision_file, govopen_pending_revision, govopen_refresh_revocation, govopen_refresh_rule,
  govopen_published_version, govopen_loaded_table;
DROP FUNCTION govopen_note_publication(text), govopen_rule_of(text, text), govopen_people_approved(text, text, text),
  govopen_still_stands(govopen_opinion), govopen_rule_hash(text, int), govopen_frame(jsonb), govopen_content(text, int),
  govopen_hash(jsonb), govopen_hash_revision(), govopen_guard_revision(), govopen_freeze_revision(),
  govopen_put_content(text, jsonb), govopen_put_resources(text, jsonb, timestamp), govopen_put_tags(text, jsonb),
  govopen_put_groups(text, jsonb), govopen_put_files(text), govopen_hashed_columns(regclass),
  govopen_kept_extras(jsonb, jsonb);
ALTER TABLE govopen_opinion DROP CONSTRAINT govopen_opinion_of_the_system, DROP refresh_rule, DROP not_before;
