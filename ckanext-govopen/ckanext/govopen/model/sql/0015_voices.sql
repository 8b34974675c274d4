-- Voices are those of people who are there, two deputies of one person are one side, and an embargo once spoken
-- stands as long as the submission that it was spoken with.

CREATE FUNCTION govopen_require_people() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.person <> 'system' AND NOT EXISTS (SELECT FROM "user" u WHERE u.id = NEW.person AND u.state = 'active')
      OR NEW.deputy_for IS NOT NULL
        AND NOT EXISTS (SELECT FROM "user" u WHERE u.id = NEW.deputy_for AND u.state = 'active') THEN
    RAISE EXCEPTION 'an opinion is that of a person with an account' USING ERRCODE = '23514'; END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER govopen_people BEFORE INSERT ON govopen_opinion
  FOR EACH ROW EXECUTE FUNCTION govopen_require_people();

CREATE OR REPLACE FUNCTION govopen_people_approved(rtype text, rid text, h text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    WHERE record_type = rtype AND record_id = rid AND content_hash = h AND a.result = 'approved' AND a.seq > s.seq
      AND a.person <> s.person AND a.person <> 'system' AND a.refresh_rule IS NULL
      AND a.deputy_for IS DISTINCT FROM s.person AND s.deputy_for IS DISTINCT FROM a.person
      AND (a.deputy_for = s.deputy_for) IS NOT TRUE
      AND govopen_still_stands(s)) $$;

-- The latest date of all submissions of this content that still stand: a bare one beside them lifts nothing.
CREATE OR REPLACE FUNCTION govopen_is_embargoed(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT max(o.not_before) FROM govopen_review r JOIN govopen_opinion o USING (record_type, record_id)
    WHERE record_type = rtype AND record_id = rid AND o.result = 'submitted'
      AND o.content_hash = govopen_record_hash(rtype, rid, r.hash_version)
      AND govopen_still_stands(o)) > govopen_now(), false) $$;

-- Who is gone publishes nothing more: what a reform leaves goes to the successor first.
CREATE FUNCTION govopen_is_dissolved(uid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_org_unit_current u WHERE u.unit_id = uid AND u.valid_to <= govopen_today()) $$;

CREATE FUNCTION govopen_guard_dissolved() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR OLD.private IS TRUE) AND govopen_is_dissolved(NEW.owner_org) THEN
    RAISE EXCEPTION 'package % belongs to a unit that is dissolved', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_guard_dissolved AFTER INSERT OR UPDATE ON package FOR EACH ROW
  WHEN (NEW.private IS NOT TRUE) EXECUTE FUNCTION govopen_guard_dissolved();
