-- Entries that are taken back: who said so, for what reason, and the second person's word. Each act
-- writes its masks by itself, so that nobody shows a row again without that word.
CREATE TABLE govopen_register_hiding (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  register_id text NOT NULL REFERENCES govopen_register,
  entry_code text NOT NULL,
  act text NOT NULL CHECK (act IN ('hidden', 'withdrawn', 'confirmed', 'lifted')),
  settles bigint UNIQUE REFERENCES govopen_register_hiding,   -- confirmed, lifted: which hiding
  ground text,                                -- hidden, withdrawn: vocabulary withdrawal_ground
  reason text NOT NULL,
  person text NOT NULL,
  roles text[] NOT NULL,
  deputy_for text,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  CHECK ((act IN ('confirmed', 'lifted')) = (settles IS NOT NULL)),
  CHECK ((act IN ('hidden', 'withdrawn')) = (ground IS NOT NULL))
);
CREATE INDEX govopen_register_hiding_entry ON govopen_register_hiding (register_id, entry_code, id);
CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_register_hiding
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change();
CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON govopen_register_hiding
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change();
ALTER TABLE govopen_register_mask ADD COLUMN hiding_id bigint REFERENCES govopen_register_hiding;
CREATE INDEX govopen_register_mask_hiding ON govopen_register_mask (hiding_id) WHERE hiding_id IS NOT NULL;

-- Rows of the log that nobody outside is shown: the last word about each.
CREATE VIEW govopen_hidden_row AS
  SELECT log_seq, hiding_id FROM (SELECT DISTINCT ON (log_seq) log_seq, act, hiding_id FROM govopen_register_mask
    WHERE act <> 'erase_private' ORDER BY log_seq, id DESC) m WHERE act = 'hide';

-- Every row of the entry that is written by now is masked, also one that waits for its approval: what
-- was approved before anybody knew is not shown after. The inventory's public name goes with its row.
CREATE FUNCTION govopen_mask_entry() RETURNS trigger LANGUAGE plpgsql
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
      WHERE l.entry_code = NEW.entry_code AND l.register_id = ANY (ids);
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
CREATE TRIGGER govopen_mask_entry AFTER INSERT ON govopen_register_hiding
  FOR EACH ROW EXECUTE FUNCTION govopen_mask_entry();
