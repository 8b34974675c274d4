-- 500 units and their inventory lines with a history of nine years, loaded in sets. %(rows)s lines.
SET session_replication_role = replica;
TRUNCATE govopen_rate_membership, govopen_rate_step, govopen_data_resource, govopen_org_unit,
  govopen_register, govopen_register_version, govopen_register_log, govopen_register_version_entry,
  govopen_review, govopen_review_case, govopen_metric_snapshot, govopen_register_mask RESTART IDENTITY CASCADE;

INSERT INTO govopen_org_unit (unit_id, slug, name, kind, level, region_code, valid_from, local_scheme, local_code,
    in_scope_opening, from_on, recorded_from, actor)
  SELECT 'unit-' || u, 'unit-' || u, '第' || u || '局', 'gov_organ', 'city', '990100', '2010-01-01', 'bench', u::text,
    '[{"from": "2010-01-01", "to": null}]', '2010-01-01', '2017-01-01', 'bench' FROM generate_series(1, 500) u;
INSERT INTO govopen_register (id, register_type, unit_id, region_code, created_at)
  SELECT 'register-' || u, 'data_inventory', 'unit-' || u, '990100', '2017-01-01' FROM generate_series(1, 500) u;
INSERT INTO govopen_register_version (id, register_id, number, basis, reason, effective_on, created_at, created_by)
  SELECT 'version-' || u, 'register-' || u, 1, 'b', 'r', '2017-01-02', '2017-01-01', 'bench' FROM generate_series(1, 500) u;
INSERT INTO govopen_register_log (register_id, position, kind, version_id, change, recorded_at, actor, basis, reason,
    public, private_hash, prev_hash, hash)
  SELECT 'register-' || u, 1, 'publish', 'version-' || u, 'publish', '2017-01-02', 'bench', 'b', 'r', '{}', '', '', ''
  FROM generate_series(1, 500) u;
INSERT INTO govopen_review (record_type, record_id, state) SELECT 'register_version', 'version-' || u, 'published'
  FROM generate_series(1, 500) u;
INSERT INTO govopen_data_resource (entry_code, register_id, unit_id, status, working_seq, active_seq, name, active_name,
    fields, active_fields, fields_hash)
  SELECT '990100-' || lpad(n::text, 7, '0'), 'register-' || (1 + n %% 500), 'unit-' || (1 + n %% 500), 'active', 1, 1,
    '目录条目' || n, '目录条目' || n, '{}', '{"open_type": "unconditional"}', '' FROM generate_series(1, %(rows)s) n;

-- A line: registered on d0, opened on d1 (three of four), taken back on d2 and opened again on d3 (one of three of those).
CREATE TEMP TABLE line AS SELECT '990100-' || lpad(n::text, 7, '0') AS record, 'unit-' || (1 + n %% 500) AS unit_id,
    d0, d0 + 40 + (n * 31 %% 700) AS d1, d0 + 800 + (n * 17 %% 300) AS d2, d0 + 1100 + (n * 13 %% 90) AS d3,
    n %% 4 <> 0 AS is_opened, n %% 3 = 0 AS is_gone, n %% 7 = 0 AS is_withheld, 1 + n %% 20 AS items, 100 + n %% 5000 AS rows
  FROM (SELECT n, DATE '2017-01-02' + (n * 7 %% 1500)::int AS d0 FROM generate_series(1, %(rows)s) n) x;
CREATE TEMP TABLE stretch AS
  SELECT record, unit_id, items, rows, false AS is_open, is_withheld, 'no_dataset' AS reason, d0 AS from_on,
    CASE WHEN is_opened THEN d1 END AS to_on FROM line
  UNION ALL SELECT record, unit_id, items, rows, true, is_withheld, 'open_unconditional', d1, CASE WHEN is_gone THEN d2 END
    FROM line WHERE is_opened
  UNION ALL SELECT record, unit_id, items, rows, false, is_withheld, 'withdrawn', d2, d3 FROM line WHERE is_opened AND is_gone
  UNION ALL SELECT record, unit_id, items, rows, true, is_withheld, 'open_unconditional', d3, NULL
    FROM line WHERE is_opened AND is_gone;
INSERT INTO govopen_rate_membership (rate, variant, record, unit_id, side, amount, reason, from_on, to_on, recorded_from)
  SELECT 'data_open_rate', v.variant, s.record, s.unit_id, x.side,
    CASE v.variant WHEN 'items' THEN s.items WHEN 'volume' THEN s.rows ELSE 1 END, s.reason, s.from_on, s.to_on,
    s.from_on + time '10:00'
  FROM stretch s CROSS JOIN (VALUES ('headline'), ('openable'), ('items'), ('volume'), ('effective'), ('unconditional')) v(variant)
  CROSS JOIN LATERAL (SELECT CASE WHEN v.variant = 'openable' AND s.is_withheld THEN 'excluded' ELSE 'denominator' END AS side
    UNION ALL SELECT 'numerator' WHERE s.is_open AND NOT (v.variant = 'openable' AND s.is_withheld)) x;
-- What was recorded otherwise before: each tenth line was known for a month as not open when it was.
INSERT INTO govopen_rate_membership (rate, variant, record, unit_id, side, amount, reason, from_on, to_on, recorded_from, recorded_to)
  SELECT 'data_open_rate', 'headline', record, unit_id, 'denominator', 1, 'no_dataset', d0, NULL,
    d0 + time '10:00', d1 + time '09:00' FROM line WHERE is_opened AND items %% 10 = 0;
INSERT INTO govopen_rate_membership (rate, variant, record, unit_id, side, amount, reason, from_on, to_on, recorded_from)
  SELECT 'open_unit_rate', v.variant, 'unit-' || u, 'unit-' || u, x.side, 1, x.reason, x.from_on, x.to_on, x.from_on + time '10:00'
  FROM generate_series(1, 500) u CROSS JOIN (VALUES ('headline'), ('strict'), ('effective')) v(variant)
  CROSS JOIN LATERAL (SELECT DATE '2017-01-02' + u AS opened) o
  CROSS JOIN LATERAL (VALUES ('denominator', 'no_dataset', DATE '2017-01-02', o.opened),
    ('denominator', 'open_unconditional', o.opened, NULL), ('numerator', 'open_unconditional', o.opened, NULL))
    x(side, reason, from_on, to_on) WHERE u %% 12 <> 0 OR x.from_on < o.opened;
SET session_replication_role = origin;
SELECT govopen_rate_refresh(array_agg(unit_id), '2017-01-01') FROM govopen_org_unit;
