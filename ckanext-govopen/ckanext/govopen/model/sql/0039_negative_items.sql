-- What a negative list names of the standard catalogue is held back too: a dataset that a published
-- item points to as its publication.
CREATE OR REPLACE FUNCTION govopen_negative_entries(pid text) RETURNS SETOF text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT c.code FROM package p
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb) c(code)
    LEFT JOIN govopen_data_resource d ON d.entry_code = c.code
  WHERE p.id = pid AND EXISTS (SELECT FROM unnest(ARRAY[c.code, d.res_code]) k(code)
    -- OFFSET 0 keeps it at one index probe a code, whatever the statistics say inside a fresh import.
    CROSS JOIN LATERAL (SELECT FROM govopen_negative_now n
      WHERE n.to_type = 'data_inventory' AND n.to_code = k.code OFFSET 0) n)
  UNION
  SELECT n.to_code FROM package p
    CROSS JOIN (SELECT DISTINCT to_code FROM govopen_negative_now WHERE to_type = 'disclosure_standard') n
    JOIN govopen_register_entry e ON e.register_type = 'disclosure_standard' AND e.entry_code = n.to_code
  WHERE p.id = pid AND e.fields -> 'evidence' @> ANY (ARRAY[
    jsonb_build_array(jsonb_build_object('record', 'dataset', 'ref', p.name)),
    jsonb_build_array(jsonb_build_object('record', 'dataset', 'ref', p.id))]) $$;
