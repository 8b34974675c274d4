-- Back to one row at a time.
DROP TRIGGER govopen_take_negative ON govopen_register_span;
CREATE OR REPLACE FUNCTION govopen_take_negative() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO govopen_negative_target
    SELECT NEW.register_id, NEW.entry_code, NEW.log_seq, x ->> 1, x ->> 2
    FROM govopen_register g, govopen_register_log l,
      jsonb_path_query(convert_from(l.public, 'UTF8')::jsonb, '$.links[*]') x
    WHERE g.id = NEW.register_id AND g.register_type = 'disclosure_negative_list' AND l.seq = NEW.log_seq
      AND x ->> 0 = 'targets'
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_take_negative AFTER INSERT ON govopen_register_span
  FOR EACH ROW EXECUTE FUNCTION govopen_take_negative();
