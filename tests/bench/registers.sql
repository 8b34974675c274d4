-- Lists of twenty units, each with its share of %(entries)s powers and of %(versions)s adjustments that
-- change twenty entries each, over nine years; loaded in sets, with a real chain of hashes. Four hundred
-- entries of each list change again and again, spread over its whole length, so that a year is a year
-- whatever the size of a list. The first list is that of %(unit)s.
SET session_replication_role = replica;
TRUNCATE govopen_register, govopen_register_version, govopen_register_log, govopen_register_version_entry,
  govopen_register_span, govopen_register_step, govopen_register_entry, govopen_register_link, govopen_register_code,
  govopen_register_draft, govopen_register_mask, govopen_data_resource, govopen_review, govopen_review_case
  RESTART IDENTITY CASCADE;
DELETE FROM govopen_org_unit WHERE unit_id LIKE 'bench-%%';
INSERT INTO govopen_org_unit (unit_id, slug, name, kind, level, region_code, valid_from, local_scheme, local_code,
    from_on, recorded_from, actor)
  SELECT 'bench-' || u, 'bench-' || u, '第' || u || '局', 'gov_organ', 'city', '990100', '2010-01-01', 'bench', u::text,
    '2010-01-01', '2017-01-01', 'bench' FROM generate_series(2, 20) u;
INSERT INTO govopen_register (id, register_type, unit_id, region_code, created_at)
  SELECT 'register-' || u, 'power_list', CASE u WHEN 1 THEN %(unit)s ELSE 'bench-' || u END, '990100', '2017-01-01'
  FROM generate_series(1, 20) u;

-- The rows of every version: the first adds all entries, each later one changes twenty; then its publishing.
CREATE TEMP TABLE act AS
  SELECT r, v, e, row_number() OVER (PARTITION BY r ORDER BY v, e NULLS LAST) AS position,
    DATE '2017-01-02' + ((v - 1) * 3400 / (%(versions)s / 20)) AS day FROM (
    SELECT r, 1 AS v, e FROM generate_series(1, 20) r, generate_series(1, %(entries)s / 20) e
    UNION ALL SELECT r, v, 1 + ((v * 20 + k) * 7919 %% 400) * (%(entries)s / 20 / 400)
      FROM generate_series(1, 20) r, generate_series(2, %(versions)s / 20) v, generate_series(0, 19) k
    UNION ALL SELECT r, v, NULL FROM generate_series(1, 20) r, generate_series(1, %(versions)s / 20) v) x;
CREATE OR REPLACE FUNCTION pg_temp.day_at(day date) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT day || 'T10:00:00+08:00' $$;
CREATE TEMP TABLE said AS SELECT r, v, e, position, day, 'bench-' || r || '-' || lpad(e::text, 6, '0') AS entry_code,
  convert_to(CASE WHEN e IS NULL THEN
      '{"approved_on":"' || day || '","at":"' || pg_temp.day_at(day) || '","basis":"云政发〔' || v || '〕号","content":"'
      || encode(sha256(convert_to(r || '/' || v, 'UTF8')), 'hex') || '","effective_on":"' || day
      || '","kind":"publish","number":' || v || ',"position":' || position || ',"reason":"机构职能调整","register":"register-'
      || r || '","version":"version-' || r || '-' || v || '"}'
    ELSE '{"at":"' || pg_temp.day_at(day) || '","basis":"云政发〔' || v || '〕号","change":"'
      || CASE v WHEN 1 THEN 'add' ELSE 'change' END || '","effective_on":"' || day || '","entry":"bench-' || r || '-'
      || lpad(e::text, 6, '0') || '","fields":{"exercising_body":"第' || r
      || '局","legal_basis":[{"article":"第三十一条","title":"城市道路管理条例"}],"level":["city"],"name":"城市道路占用许可第'
      || e || '项","power_type":"license","remarks":"第' || v
      || '次调整","supervise_phone":"0990-12345678"},"kind":"entry","position":' || position
      || ',"reason":"机构职能调整","register":"register-' || r || '","status":"in_force"}' END, 'UTF8') AS public,
  decode(md5(r || '/' || position), 'hex') AS salt,
  convert_to('{"actor":"bench","fields":{},"ordinal":null,"source_id":"bench","warnings":[]}', 'UTF8') AS private
  FROM act;

-- hash = H(prev, H(public), H(salt, private)): each row takes the hash of the one before it.
CREATE OR REPLACE FUNCTION pg_temp.next_hash(head text, part text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT encode(sha256(convert_to(head || part, 'UTF8')), 'hex') $$;
CREATE OR REPLACE AGGREGATE pg_temp.chain(text) (SFUNC = pg_temp.next_hash, STYPE = text, INITCOND = '');
CREATE TEMP TABLE chained AS
  SELECT *, pg_temp.chain(encode(sha256(public), 'hex') || encode(sha256(salt || private), 'hex'))
    OVER (PARTITION BY r ORDER BY position) AS hash FROM said;
INSERT INTO govopen_register_version (id, register_id, number, basis, reason, approved_on, effective_on, created_at, created_by)
  SELECT 'version-' || r || '-' || v, 'register-' || r, v, 'b', '机构职能调整', day, day, day, 'bench' FROM act WHERE e IS NULL;
INSERT INTO govopen_register_log (seq, register_id, position, kind, entry_code, version_id, change, recorded_at, actor, basis,
    reason, public, salt, private, private_hash, prev_hash, hash) OVERRIDING SYSTEM VALUE
  SELECT row_number() OVER (ORDER BY day, r, position), 'register-' || r, position,
    CASE WHEN e IS NULL THEN 'publish' ELSE 'entry' END, entry_code, CASE WHEN e IS NULL THEN 'version-' || r || '-' || v END,
    CASE WHEN e IS NULL THEN 'publish' WHEN v = 1 THEN 'add' ELSE 'change' END, pg_temp.day_at(day)::timestamptz, 'bench',
    '云政发〔' || v || '〕号', '机构职能调整', public, salt, private, encode(sha256(salt || private), 'hex'),
    coalesce(lag(hash) OVER (PARTITION BY r ORDER BY position), ''), hash FROM chained;
SELECT setval(pg_get_serial_sequence('govopen_register_log', 'seq'), (SELECT max(seq) FROM govopen_register_log));
INSERT INTO govopen_register_version_entry (version_id, register_id, entry_code, log_seq, effective_on)
  SELECT 'version-' || a.r || '-' || a.v, l.register_id, l.entry_code, l.seq, a.day FROM act a
  JOIN govopen_register_log l ON l.register_id = 'register-' || a.r AND l.position = a.position WHERE a.e IS NOT NULL;
INSERT INTO govopen_register_code SELECT 'power_list', '990100', entry_code, register_id, seq
  FROM govopen_register_log WHERE change = 'add';
INSERT INTO govopen_review (record_type, record_id, state, published_at)
  SELECT 'register_version', id, 'published', created_at FROM govopen_register_version;

-- What held when, as publishing these versions one after the other would have written it: a row holds without
-- an end until the next version of its entry is known, from then on until the day of that version.
CREATE TEMP TABLE held AS SELECT l.register_id, e.entry_code, l.seq, e.version_id, a.v AS number, l.change,
    convert_from(l.public, 'UTF8')::jsonb -> 'fields' AS fields, a.day, l.recorded_at AS moment,
    lead(a.day) OVER w AS next_day, lead(l.recorded_at) OVER w AS next_moment
  FROM act a JOIN govopen_register_log l ON l.register_id = 'register-' || a.r AND l.position = a.position
  JOIN govopen_register_version_entry e ON e.log_seq = l.seq
  WINDOW w AS (PARTITION BY l.register_id, e.entry_code ORDER BY a.v);
INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id, number, change, status, name, valid_from,
    valid_to, recorded_from, recorded_to)
  SELECT register_id, entry_code, seq, version_id, number, change, 'in_force', fields ->> 'name', day, 'infinity'::date,
    moment, next_moment FROM held
  UNION ALL SELECT register_id, entry_code, seq, version_id, number, change, 'in_force', fields ->> 'name', day, next_day,
    next_moment, NULL FROM held WHERE next_day IS NOT NULL;
INSERT INTO govopen_register_step SELECT register_id, day, sum(by) FROM govopen_register_span,
    LATERAL (VALUES (valid_from, 1), (valid_to, -1)) x(day, by)
  WHERE recorded_to IS NULL AND in_force AND day < 'infinity' GROUP BY 1, 2;
INSERT INTO govopen_register_entry (register_id, register_type, unit_id, region_code, entry_code, status, name, fields,
    valid_from, log_seq, number, changed_on)
  SELECT h.register_id, 'power_list', g.unit_id, '990100', h.entry_code, 'in_force', h.fields ->> 'name', h.fields, h.day,
    h.seq, h.number, h.day FROM held h JOIN govopen_register g ON g.id = h.register_id WHERE h.next_day IS NULL;
DROP TABLE act, said, chained, held;
SET session_replication_role = origin;
