-- The one business clock. Real time, except in a database that its owner stamped as demo or test:
-- there it can be set, and every page says so. Triggers ask this clock, never now().

CREATE TABLE govopen_site (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  stamp text NOT NULL DEFAULT 'production' CHECK (stamp IN ('production', 'demo', 'test')),
  clock_at timestamptz,                     -- null: real time
  CHECK (stamp <> 'production' OR clock_at IS NULL)
);
INSERT INTO govopen_site DEFAULT VALUES;

CREATE FUNCTION govopen_now() RETURNS timestamptz LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT s.clock_at FROM public.govopen_site s WHERE s.stamp <> 'production'),
                  statement_timestamp()) $$;

CREATE FUNCTION govopen_today() RETURNS date LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT (public.govopen_now() AT TIME ZONE 'Asia/Shanghai')::date $$;

-- Called once by the owner when the data folder is made; a stamp is never taken back.
CREATE FUNCTION govopen_stamp(wanted text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM govopen_site WHERE stamp NOT IN ('production', wanted)) THEN
    RAISE EXCEPTION 'this database is stamped already'; END IF;
  UPDATE govopen_site SET stamp = wanted;
  RETURN wanted;
END $$;
REVOKE ALL ON FUNCTION govopen_stamp(text) FROM PUBLIC;
