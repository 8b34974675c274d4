-- The register log only grows, and every row continues the chain of its register.

CREATE FUNCTION govopen_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
END $$;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{govopen_register_log,govopen_opinion}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change()', t);
    EXECUTE format('CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change()', t);
  END LOOP;
END $$;

CREATE FUNCTION govopen_log_hash(prev_hash text, public_part bytea, private_hash text) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(prev_hash || encode(sha256(public_part), 'hex') || private_hash, 'UTF8')), 'hex') $$;

-- One check for all rows of a statement, so that loading 100,000 rows stays a set operation.
CREATE FUNCTION govopen_check_chain() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE broken record;
BEGIN
  SELECT n.register_id, n.position INTO broken FROM (
    SELECT l.*, lag(l.position) OVER w AS before_position, lag(l.hash) OVER w AS before_hash
      FROM added l WINDOW w AS (PARTITION BY l.register_id ORDER BY l.position)) n
    LEFT JOIN govopen_register_log stored
      ON n.before_position IS NULL AND stored.register_id = n.register_id AND stored.position = n.position - 1
  WHERE (n.before_position IS NOT NULL AND n.before_position <> n.position - 1)
     OR (n.before_position IS NULL AND n.position > 1 AND stored.seq IS NULL)
     OR n.prev_hash <> coalesce(n.before_hash, stored.hash, '')
     OR n.private_hash <> encode(sha256(n.salt || n.private), 'hex')
     OR n.hash <> govopen_log_hash(n.prev_hash, n.public, n.private_hash)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'register % breaks its chain at position %', broken.register_id, broken.position
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_chain AFTER INSERT ON govopen_register_log REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_check_chain();
