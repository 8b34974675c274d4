DROP VIEW govopen_version_file;

CREATE OR REPLACE FUNCTION govopen_guard_revision() RETURNS trigger LANGUAGE plpgsql
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
