-- What the approved negative list of disclosure covers is not shown, on whatever path.

-- Which entries each published row of a negative list names; what of it holds today, its span says.
CREATE TABLE govopen_negative_target (
  register_id text NOT NULL,
  entry_code text NOT NULL COLLATE "C",
  log_seq bigint NOT NULL REFERENCES govopen_register_log,
  to_type text NOT NULL,
  to_code text NOT NULL,
  PRIMARY KEY (to_type, to_code, log_seq)
);
CREATE INDEX govopen_negative_target_entry ON govopen_negative_target (register_id, entry_code, log_seq);

CREATE FUNCTION govopen_take_negative() RETURNS trigger LANGUAGE plpgsql
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
INSERT INTO govopen_negative_target
  SELECT DISTINCT s.register_id, s.entry_code, s.log_seq, x ->> 1, x ->> 2
  FROM govopen_register_span s JOIN govopen_register g ON g.id = s.register_id
    AND g.register_type = 'disclosure_negative_list'
  JOIN govopen_register_log l ON l.seq = s.log_seq
  CROSS JOIN LATERAL jsonb_path_query(convert_from(l.public, 'UTF8')::jsonb, '$.links[*]') x
  WHERE x ->> 0 = 'targets'
ON CONFLICT DO NOTHING;

-- What is on an approved negative list today: the entry that covers it, and what it covers.
CREATE VIEW govopen_negative_now AS
  SELECT n.register_id, n.entry_code, n.to_type, n.to_code FROM govopen_negative_target n
  JOIN govopen_register_span s ON s.register_id = n.register_id AND s.entry_code = n.entry_code
    AND s.log_seq = n.log_seq AND s.recorded_to IS NULL AND s.in_force
    AND s.valid_from <= govopen_today() AND s.valid_to > govopen_today();

-- Entries of the inventory that a dataset opens and a negative list covers, by entry code or resource code.
CREATE FUNCTION govopen_negative_entries(pid text) RETURNS SETOF text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT c.code FROM package p
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb) c(code)
    LEFT JOIN govopen_data_resource d ON d.entry_code = c.code
  WHERE p.id = pid AND EXISTS (SELECT FROM govopen_negative_now n
    WHERE n.to_type = 'data_inventory' AND n.to_code IN (c.code, d.res_code)) $$;

CREATE FUNCTION govopen_guard_negative() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR OLD.private IS TRUE) AND EXISTS (SELECT FROM govopen_negative_entries(NEW.id)) THEN
    RAISE EXCEPTION 'package % is on the negative list', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_guard_negative AFTER INSERT OR UPDATE ON package FOR EACH ROW
  WHEN (NEW.private IS NOT TRUE) EXECUTE FUNCTION govopen_guard_negative();
