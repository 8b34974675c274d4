-- A refresh takes a clean scan of every file, which the database asks for itself.

CREATE FUNCTION govopen_refresh_fits(pid text, rule text, frame text, latest_frame text) RETURNS boolean
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT rule IS NOT NULL AND frame = latest_frame
    AND NOT EXISTS (SELECT FROM govopen_refresh_revocation v WHERE v.rule_id = rule)
    AND EXISTS (SELECT FROM govopen_refresh_rule x WHERE x.id = rule AND x.expires_on >= govopen_today())
    AND NOT EXISTS (SELECT FROM govopen_file f JOIN resource r ON r.id = f.resource_id AND r.state = 'active'
      WHERE r.package_id = pid AND coalesce((SELECT s.verdict FROM govopen_scan s WHERE s.subject = f.sha256
        ORDER BY s.scanned_at DESC LIMIT 1), 'none') NOT IN ('clean', 'info')) $$;

CREATE OR REPLACE FUNCTION govopen_note_publication(pid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE body jsonb; h text; frame text; rule text; latest govopen_published_version;
BEGIN
  SELECT govopen_content(pid, r.hash_version) INTO body FROM govopen_review r
    WHERE r.record_type = 'package' AND r.record_id = pid;
  h := govopen_hash(body); frame := govopen_hash(govopen_frame(body));
  SELECT * INTO latest FROM govopen_published_version WHERE package_id = pid ORDER BY number DESC LIMIT 1;
  IF NOT govopen_people_approved('package', pid, h) THEN
    rule := govopen_rule_of(pid, h);
    IF NOT coalesce(govopen_refresh_fits(pid, rule, frame, latest.frame_hash), false) THEN
      RAISE EXCEPTION 'package % is outside its refresh rule', pid USING ERRCODE = '23514'; END IF;
  END IF;
  INSERT INTO govopen_published_version (package_id, number, content, content_hash, frame_hash, refresh_rule, data_on)
    SELECT pid, coalesce(latest.number, 0) + 1, body, h, frame, rule,
      coalesce((SELECT max((f.recorded_at AT TIME ZONE 'Asia/Shanghai')::date) FROM govopen_file f
        JOIN resource r ON r.id = f.resource_id WHERE r.package_id = pid AND r.state = 'active'),
        latest.data_on, govopen_today());
END $$;
CREATE INDEX govopen_opinion_of_rule ON govopen_opinion (recorded_at) WHERE refresh_rule IS NOT NULL;
