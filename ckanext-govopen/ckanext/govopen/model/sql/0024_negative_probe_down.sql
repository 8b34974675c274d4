CREATE OR REPLACE FUNCTION govopen_negative_entries(pid text) RETURNS SETOF text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT c.code FROM package p
    CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(nullif(p.extras ->> 'entry_codes', ''), '[]')::jsonb) c(code)
    LEFT JOIN govopen_data_resource d ON d.entry_code = c.code
  WHERE p.id = pid AND EXISTS (SELECT FROM govopen_negative_now n
    WHERE n.to_type = 'data_inventory' AND n.to_code IN (c.code, d.res_code)) $$;
