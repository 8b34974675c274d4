DROP TRIGGER govopen_guard_embargo ON govopen_review;
DROP FUNCTION govopen_guard_embargo();
CREATE OR REPLACE FUNCTION govopen_still_stands(s govopen_opinion) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT s.result = 'submitted' AND s.person <> 'system' AND coalesce(s.not_before <= govopen_now(), true)
    AND NOT EXISTS (SELECT FROM govopen_opinion v
      WHERE v.record_type = s.record_type AND v.record_id = s.record_id AND v.seq > s.seq
        AND (v.result IN ('withdrawn', 'hidden')
          OR v.content_hash = s.content_hash AND v.result IN ('returned', 'withheld', 'superseded'))) $$;
CREATE OR REPLACE FUNCTION govopen_people_approved(rtype text, rid text, h text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    WHERE record_type = rtype AND record_id = rid AND content_hash = h AND a.result = 'approved' AND a.seq > s.seq
      AND a.person <> s.person AND a.person <> 'system' AND a.refresh_rule IS NULL AND govopen_still_stands(s)) $$;
CREATE OR REPLACE FUNCTION govopen_approved(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_review r, LATERAL govopen_record_hash(rtype, rid, r.hash_version) h
    WHERE r.record_type = rtype AND r.record_id = rid AND r.state = 'published'
      AND (r.embargo_until IS NULL OR r.embargo_until <= govopen_now())
      AND (govopen_people_approved(rtype, rid, h) OR rtype = 'package' AND govopen_rule_of(rid, h) IS NOT NULL)) $$;
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
DROP FUNCTION govopen_is_embargoed(text, text);
DROP TABLE govopen_review_consultation, govopen_purge_outbox, govopen_review_escalation, govopen_verification;
DROP INDEX govopen_opinion_case, govopen_opinion_hidden, govopen_role_assignment_deputy, govopen_review_embargo;
ALTER TABLE govopen_review DROP COLUMN step_since;
ALTER TABLE govopen_review_case DROP COLUMN steps, DROP COLUMN embargo_until;
-- The acts that the older tables do not know stay in the opinions: they are a record of what was said.
ALTER TABLE govopen_opinion DROP COLUMN ground, DROP COLUMN checklist, DROP CONSTRAINT govopen_opinion_result_check,
  ADD CONSTRAINT govopen_opinion_result_check CHECK (result IN ('submitted', 'pass', 'approved', 'returned', 'withheld',
    'withdrawn', 'superseded', 'hidden')) NOT VALID;
