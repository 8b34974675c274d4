-- Back to a guard that asks of every change.
CREATE OR REPLACE FUNCTION govopen_guard_dissolved() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR OLD.private IS TRUE) AND govopen_is_dissolved(NEW.owner_org) THEN
    RAISE EXCEPTION 'package % belongs to a unit that is dissolved', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
