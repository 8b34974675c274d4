-- A dataset that opens a withheld entry of the inventory is not shown, whoever approved it before.
CREATE FUNCTION govopen_withheld_entries(pid text) RETURNS SETOF text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT d.entry_code FROM package p
    JOIN govopen_data_resource d ON d.entry_code IN
      (SELECT jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb))
  WHERE p.id = pid AND d.status = 'active' AND d.active_open_type = 'withheld' $$;

CREATE FUNCTION govopen_guard_withheld() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR OLD.private IS TRUE)
      AND (NEW.extras ->> 'open_type' = 'withheld' OR EXISTS (SELECT FROM govopen_withheld_entries(NEW.id))) THEN
    RAISE EXCEPTION 'package % opens what is withheld', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_guard_withheld AFTER INSERT OR UPDATE ON package FOR EACH ROW
  WHEN (NEW.private IS NOT TRUE) EXECUTE FUNCTION govopen_guard_withheld();
