-- Back to opinions of anybody, and to the newest submission's embargo.
DROP TRIGGER govopen_guard_dissolved ON package;
DROP FUNCTION govopen_guard_dissolved(), govopen_is_dissolved(text);
DROP TRIGGER govopen_people ON govopen_opinion;
DROP FUNCTION govopen_require_people();
CREATE OR REPLACE FUNCTION govopen_people_approved(rtype text, rid text, h text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    WHERE record_type = rtype AND record_id = rid AND content_hash = h AND a.result = 'approved' AND a.seq > s.seq
      AND a.person <> s.person AND a.person <> 'system' AND a.refresh_rule IS NULL
      AND a.deputy_for IS DISTINCT FROM s.person AND s.deputy_for IS DISTINCT FROM a.person
      AND govopen_still_stands(s)) $$;
CREATE OR REPLACE FUNCTION govopen_is_embargoed(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT o.not_before FROM govopen_review r JOIN govopen_opinion o USING (record_type, record_id)
    WHERE record_type = rtype AND record_id = rid AND o.result = 'submitted'
      AND o.content_hash = govopen_record_hash(rtype, rid, r.hash_version)
    ORDER BY o.seq DESC LIMIT 1) > govopen_now(), false) $$;
