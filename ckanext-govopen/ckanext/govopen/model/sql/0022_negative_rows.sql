-- Rows of a negative list are taken once for a statement: another register may publish a million at a time.
DROP TRIGGER govopen_take_negative ON govopen_register_span;
CREATE OR REPLACE FUNCTION govopen_take_negative() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM govopen_register g WHERE g.register_type = 'disclosure_negative_list'
      AND g.id IN (SELECT DISTINCT register_id FROM added)) THEN RETURN NULL; END IF;
  INSERT INTO govopen_negative_target
    SELECT DISTINCT s.register_id, s.entry_code, s.log_seq, x ->> 1, x ->> 2
    FROM added s JOIN govopen_register g ON g.id = s.register_id AND g.register_type = 'disclosure_negative_list'
    JOIN govopen_register_log l ON l.seq = s.log_seq
    CROSS JOIN LATERAL jsonb_path_query(convert_from(l.public, 'UTF8')::jsonb, '$.links[*]') x
    WHERE x ->> 0 = 'targets'
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_take_negative AFTER INSERT ON govopen_register_span
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION govopen_take_negative();
