-- Steps of the rates: derived from the memberships in the transaction that changes them.

CREATE FUNCTION govopen_rate_wanted(units text[]) RETURNS TABLE (rate text, variant text, unit_id text, from_on date,
    numerator bigint, denominator bigint, excluded bigint) LANGUAGE sql STABLE AS $$
  SELECT c.rate, c.variant, c.unit_id, c.on_date, (sum(c.n) OVER w)::bigint, (sum(c.d) OVER w)::bigint,
    (sum(c.x) OVER w)::bigint
  FROM (SELECT m.rate, m.variant, m.unit_id, c.on_date,
      coalesce(sum(c.amount) FILTER (WHERE m.side = 'numerator'), 0) AS n,
      coalesce(sum(c.amount) FILTER (WHERE m.side = 'denominator'), 0) AS d,
      coalesce(sum(c.amount) FILTER (WHERE m.side = 'excluded'), 0) AS x
    FROM govopen_rate_membership m
    CROSS JOIN LATERAL (SELECT CASE m.side WHEN 'excluded' THEN 1 ELSE m.amount END AS counted) k
    CROSS JOIN LATERAL (VALUES (m.from_on, k.counted), (m.to_on, -k.counted)) c(on_date, amount)
    WHERE m.unit_id = ANY (units) AND m.recorded_to IS NULL AND c.on_date IS NOT NULL
    GROUP BY 1, 2, 3, 4) c
  WHERE (c.n, c.d, c.x) <> (0, 0, 0)
  WINDOW w AS (PARTITION BY c.rate, c.variant, c.unit_id ORDER BY c.on_date) $$;

-- Called before commit with the units concerned, after the membership rows; `at` = one moment for the whole transaction.
CREATE FUNCTION govopen_rate_refresh(units text[], at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM govopen_rate_step s WHERE s.unit_id = ANY (units) AND s.recorded_to IS NULL AND s.recorded_from >= at;
  UPDATE govopen_rate_step s SET recorded_to = at WHERE s.unit_id = ANY (units) AND s.recorded_to IS NULL
    AND NOT EXISTS (SELECT FROM govopen_rate_wanted(units) w
      WHERE (w.rate, w.variant, w.unit_id, w.from_on, w.numerator, w.denominator, w.excluded)
        = (s.rate, s.variant, s.unit_id, s.from_on, s.numerator, s.denominator, s.excluded));
  INSERT INTO govopen_rate_step SELECT w.*, at, NULL FROM govopen_rate_wanted(units) w
    WHERE NOT EXISTS (SELECT FROM govopen_rate_step s WHERE s.recorded_to IS NULL
      AND (s.rate, s.variant, s.unit_id, s.from_on) = (w.rate, w.variant, w.unit_id, w.from_on));
END $$;
-- Taken first by whoever changes memberships: two publications of one unit otherwise write the same difference twice.
CREATE FUNCTION govopen_rate_lock(units text[]) RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(1937, h) FROM (SELECT DISTINCT hashtext(u) AS h FROM unnest(units) u ORDER BY 1) x $$;
