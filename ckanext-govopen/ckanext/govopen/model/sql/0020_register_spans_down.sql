CREATE OR REPLACE FUNCTION govopen_write_spans(vid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE v record;
BEGIN
  SELECT r.register_id, r.number, g.register_type, g.unit_id, g.region_code, l.recorded_at AS moment INTO STRICT v
    FROM govopen_register_version r JOIN govopen_register g ON g.id = r.register_id
    JOIN govopen_register_log l ON l.version_id = r.id AND l.kind = 'publish' WHERE r.id = vid;
  WITH ended AS (
    UPDATE govopen_register_span s SET recorded_to = greatest(v.moment, s.recorded_from)
      FROM govopen_register_version_entry e
      WHERE e.version_id = vid AND s.register_id = v.register_id AND s.entry_code = e.entry_code
        AND s.recorded_to IS NULL AND s.valid_from <= e.effective_on AND s.valid_to > e.effective_on
      RETURNING s.*, e.effective_on AS cut)
  INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id, number, change, status, name,
      valid_from, valid_to, recorded_from)
    SELECT register_id, entry_code, log_seq, version_id, number, change, status, name, valid_from, cut,
      greatest(v.moment, recorded_from) FROM ended WHERE valid_from < cut;
  INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id, number, change, status, name,
      valid_from, valid_to, recorded_from)
    SELECT v.register_id, e.entry_code, e.log_seq, vid, v.number, l.change, govopen_entry_status(p.j),
      p.j -> 'fields' ->> 'name', e.effective_on, coalesce((SELECT s.valid_from FROM govopen_register_span s
        WHERE s.register_id = v.register_id AND s.entry_code = e.entry_code AND s.recorded_to IS NULL
          AND s.valid_from > e.effective_on ORDER BY s.valid_from LIMIT 1), 'infinity'), v.moment
    FROM govopen_register_version_entry e JOIN govopen_register_log l ON l.seq = e.log_seq
    CROSS JOIN LATERAL (SELECT convert_from(l.public, 'UTF8')::jsonb AS j OFFSET 0) p
    WHERE e.version_id = vid;
  IF v.register_type <> 'data_inventory' THEN
    PERFORM govopen_project_entries(vid, (v.moment AT TIME ZONE 'Asia/Shanghai')::date);
  END IF;
END $$;
CREATE OR REPLACE FUNCTION govopen_project_entries(vid text, on_day date) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
  SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  INSERT INTO govopen_register_entry AS k (register_id, register_type, unit_id, region_code, entry_code, parent_code,
      status, name, fields, valid_from, log_seq, number, changed_on)
    SELECT e.register_id, g.register_type, g.unit_id, g.region_code, e.entry_code, p.j -> 'fields' ->> 'parent_code',
      s.status, s.name, p.j -> 'fields', s.valid_from, s.log_seq, s.number, on_day
    FROM govopen_register_version_entry e JOIN govopen_register g ON g.id = e.register_id
    JOIN govopen_register_span s ON s.register_id = e.register_id AND s.entry_code = e.entry_code
      AND s.recorded_to IS NULL AND s.valid_to = 'infinity'
    JOIN govopen_register_log l ON l.seq = s.log_seq
    CROSS JOIN LATERAL (SELECT convert_from(l.public, 'UTF8')::jsonb AS j OFFSET 0) p
    WHERE e.version_id = vid
  ON CONFLICT (register_id, entry_code) DO UPDATE SET parent_code = excluded.parent_code, status = excluded.status,
    name = excluded.name, fields = excluded.fields, valid_from = excluded.valid_from, log_seq = excluded.log_seq,
    number = excluded.number, changed_on = excluded.changed_on WHERE k.log_seq <> excluded.log_seq;
  DELETE FROM govopen_register_link k USING govopen_register_version_entry e
    WHERE e.version_id = vid AND k.register_id = e.register_id AND k.entry_code = e.entry_code;
  INSERT INTO govopen_register_link
    SELECT DISTINCT k.register_id, k.entry_code, x ->> 0, x ->> 1, x ->> 2
    FROM govopen_register_version_entry e
    JOIN govopen_register_entry k ON k.register_id = e.register_id AND k.entry_code = e.entry_code
      AND k.status IN ('in_force', 'suspended')
    JOIN govopen_register_log l ON l.seq = k.log_seq
    CROSS JOIN LATERAL jsonb_path_query(convert_from(l.public, 'UTF8')::jsonb, '$.links[*]') x
    WHERE e.version_id = vid;
END $$;
DROP INDEX govopen_register_span_entry;
CREATE INDEX govopen_register_span_log ON govopen_register_span (log_seq);
ALTER TABLE govopen_register_span ADD FOREIGN KEY (register_id) REFERENCES govopen_register,
  ADD FOREIGN KEY (log_seq) REFERENCES govopen_register_log, ADD FOREIGN KEY (version_id) REFERENCES govopen_register_version;
ALTER TABLE govopen_register_entry ADD FOREIGN KEY (register_id) REFERENCES govopen_register,
  ADD FOREIGN KEY (log_seq) REFERENCES govopen_register_log;
CREATE OR REPLACE FUNCTION govopen_rebuild_spans(rid text) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE vid text;
BEGIN
  PERFORM FROM govopen_register WHERE id = rid FOR NO KEY UPDATE;
  DELETE FROM govopen_register_entry WHERE register_id = rid;
  DELETE FROM govopen_register_span WHERE register_id = rid;
  FOR vid IN SELECT id FROM govopen_public_version WHERE register_id = rid ORDER BY number LOOP
    PERFORM govopen_write_spans(vid);
  END LOOP;
END $$;
DROP TABLE govopen_register_step;
