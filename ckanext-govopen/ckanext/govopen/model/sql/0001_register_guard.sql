-- The register log only grows, and every row continues the chain of its register.

CREATE FUNCTION govopen_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
END $$;

-- Erasure takes salt and private part together and nothing else; the chain holds by private_hash.
CREATE FUNCTION govopen_refuse_log_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.salt IS NULL AND NEW.private IS NULL
     AND to_jsonb(NEW) - '{salt,private}'::text[] = to_jsonb(OLD) - '{salt,private}'::text[] THEN RETURN NEW; END IF;
  RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
END $$;

CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_register_log
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_log_change();
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{govopen_register,govopen_register_mask,govopen_opinion}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change()', t); END LOOP;
  FOREACH t IN ARRAY '{govopen_register_log,govopen_register,govopen_register_mask,govopen_opinion}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change()', t); END LOOP;
END $$;

-- The owner's function: the application's role has no UPDATE on the log.
CREATE FUNCTION govopen_erase_private(seqs bigint[], who text, why text) RETURNS integer LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE done integer;
BEGIN
  INSERT INTO govopen_register_mask (log_seq, act, ground, actor)
    SELECT seq, 'erase_private', why, who FROM govopen_register_log WHERE seq = ANY (seqs) AND private IS NOT NULL;
  UPDATE govopen_register_log SET salt = NULL, private = NULL WHERE seq = ANY (seqs) AND private IS NOT NULL;
  GET DIAGNOSTICS done = ROW_COUNT;
  RETURN done;
END $$;

CREATE FUNCTION govopen_log_hash(prev_hash text, public_part bytea, private_hash text) RETURNS text
  LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(prev_hash || encode(sha256(public_part), 'hex') || private_hash, 'UTF8')), 'hex') $$;

-- One check for all rows of a statement, so that loading 100,000 rows stays a set operation.
-- The columns must say what the chained bytes say, and nothing is back-dated.
CREATE FUNCTION govopen_check_chain() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE broken record; moment timestamptz := govopen_now();
  -- A demo or test clock jumps while somebody writes; a real one does not.
  is_real boolean := NOT EXISTS (SELECT FROM govopen_site WHERE clock_at IS NOT NULL);
BEGIN
  SELECT n.register_id, n.position INTO broken FROM (
    SELECT l.*, lag(l.position) OVER w AS before_position, lag(l.hash) OVER w AS before_hash,
        convert_from(l.public, 'UTF8')::jsonb AS j
      FROM added l WINDOW w AS (PARTITION BY l.register_id ORDER BY l.position)) n
    LEFT JOIN govopen_register_log stored
      ON n.before_position IS NULL AND stored.register_id = n.register_id AND stored.position = n.position - 1
  WHERE (n.before_position IS NOT NULL AND n.before_position <> n.position - 1)
     OR (n.before_position IS NULL AND n.position > 1 AND stored.seq IS NULL)
     OR n.prev_hash <> coalesce(n.before_hash, stored.hash, '')
     OR n.salt IS NULL OR octet_length(n.salt) < 16
     OR n.private_hash <> encode(sha256(n.salt || n.private), 'hex')
     OR n.hash <> govopen_log_hash(n.prev_hash, n.public, n.private_hash)
     OR is_real AND n.recorded_at NOT BETWEEN moment - interval '1 hour' AND moment
     OR (n.j ->> 'register', (n.j ->> 'position')::int, n.j ->> 'kind', n.j ->> 'entry',
         CASE WHEN n.kind = 'entry' THEN n.j ->> 'change' ELSE n.j ->> 'version' END,
         n.j ->> 'basis', n.j ->> 'reason', (n.j ->> 'at')::timestamptz)
        IS DISTINCT FROM (n.register_id, n.position, n.kind, n.entry_code,
         CASE WHEN n.kind = 'entry' THEN n.change ELSE n.version_id END, n.basis, n.reason, n.recorded_at)
  LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'register % breaks its chain at position %', broken.register_id, broken.position
      USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_chain AFTER INSERT ON govopen_register_log REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_check_chain();
