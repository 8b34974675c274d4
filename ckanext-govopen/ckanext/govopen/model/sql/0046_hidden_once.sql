-- An emergency hiding takes what is shown by now, and its lifting gives back no more than that: what had been
-- withdrawn before would else be shown again with it.
CREATE OR REPLACE FUNCTION govopen_mask_entry() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE first record; ids text[];
BEGIN
  -- A code belongs to one type and region: what a former unit said of the entry is the same entry's.
  SELECT array_agg(o.id) INTO ids FROM govopen_register g JOIN govopen_register o
    ON (o.register_type, o.region_code) = (g.register_type, g.region_code) WHERE g.id = NEW.register_id;
  IF NEW.settles IS NOT NULL THEN
    SELECT * INTO STRICT first FROM govopen_register_hiding WHERE id = NEW.settles;
    IF first.act <> 'hidden' OR NEW.person IN (first.person, first.deputy_for)
        OR (first.register_id, first.entry_code) <> (NEW.register_id, NEW.entry_code) THEN
      RAISE EXCEPTION 'hiding %: a second person settles it', NEW.settles USING ERRCODE = '23514'; END IF;
  END IF;
  IF NEW.act IN ('hidden', 'withdrawn') THEN
    INSERT INTO govopen_register_mask (log_seq, act, ground, actor, hiding_id)
      SELECT l.seq, 'hide', NEW.ground, NEW.person, NEW.id FROM govopen_register_log l
      WHERE l.entry_code = NEW.entry_code AND l.register_id = ANY (ids)
        AND (NEW.act = 'withdrawn' OR NOT EXISTS (SELECT FROM govopen_hidden_row h WHERE h.log_seq = l.seq));
  ELSIF NEW.act = 'lifted' THEN
    INSERT INTO govopen_register_mask (log_seq, act, ground, actor, hiding_id)
      SELECT h.log_seq, 'show', NEW.act, NEW.person, NEW.id FROM govopen_hidden_row h WHERE h.hiding_id = NEW.settles;
  END IF;
  UPDATE govopen_data_resource d SET active_name = CASE
      WHEN EXISTS (SELECT FROM govopen_hidden_row h WHERE h.log_seq = d.active_seq) THEN NULL
      WHEN (d.active_fields ->> 'catalog_visible') IS DISTINCT FROM 'false' THEN d.active_fields ->> 'name' END
    WHERE d.entry_code = NEW.entry_code AND d.register_id = ANY (ids);
  RETURN NULL;
END $$;
