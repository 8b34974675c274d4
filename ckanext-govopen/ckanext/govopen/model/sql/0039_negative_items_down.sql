-- Which entries of a package a negative list covers: a probe for each code, however long the lists are.
CREATE OR REPLACE FUNCTION govopen_negative_entries(pid text) RETURNS SETOF text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT c.code FROM package p
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb) c(code)
    LEFT JOIN govopen_data_resource d ON d.entry_code = c.code
  WHERE p.id = pid AND EXISTS (SELECT FROM unnest(ARRAY[c.code, d.res_code]) k(code)
    -- OFFSET 0 keeps it at one index probe a code, whatever the statistics say inside a fresh import.
    CROSS JOIN LATERAL (SELECT FROM govopen_negative_now n
      WHERE n.to_type = 'data_inventory' AND n.to_code = k.code OFFSET 0) n) $$;
