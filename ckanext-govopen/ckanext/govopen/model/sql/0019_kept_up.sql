-- What a unit had made public before a reform ended it is kept up to date until it is handed over; nothing new is.
CREATE OR REPLACE FUNCTION govopen_guard_dissolved() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF (TG_OP = 'INSERT' OR OLD.private IS TRUE) AND govopen_is_dissolved(NEW.owner_org)
      AND NOT EXISTS (SELECT FROM govopen_publication_period o WHERE o.package_id = NEW.id AND o.to_at IS NULL) THEN
    RAISE EXCEPTION 'package % belongs to a unit that is dissolved', NEW.id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
