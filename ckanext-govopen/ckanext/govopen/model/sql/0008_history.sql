-- The bytes of every version that was public are kept: refreshes are compared with them.
CREATE VIEW govopen_version_file AS
  SELECT v.package_id, v.number, w -> 0 ->> 'id' AS resource_id, w ->> 1 AS sha256, (w ->> 2)::bigint AS size
  FROM govopen_published_version v, jsonb_path_query(v.content, '$[2][*]') w WHERE w ->> 1 IS NOT NULL;

-- A revision is changed at CKAN's own isolation level only.

CREATE OR REPLACE FUNCTION govopen_guard_revision() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE o jsonb := to_jsonb(OLD); n jsonb := to_jsonb(NEW); ids text[];
BEGIN
  ids := CASE TG_TABLE_NAME WHEN 'govopen_pending_revision' THEN ARRAY[o ->> 'id', n ->> 'id']
                            ELSE ARRAY[o ->> 'revision_id', n ->> 'revision_id'] END;
  -- A statement of its own: whoever waits here for a submission wakes in a new snapshot.
  PERFORM FROM govopen_pending_revision WHERE id = ANY (ids) ORDER BY id FOR SHARE;
  -- At another level than CKAN's own an old snapshot would not show the submission.
  IF current_setting('transaction_isolation') <> 'read committed'
      OR EXISTS (SELECT FROM govopen_review r WHERE r.record_type = 'revision' AND r.record_id = ANY (ids)
        AND r.state NOT IN ('draft', 'returned')) THEN
    RAISE EXCEPTION 'revision is frozen: % refused on %', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
