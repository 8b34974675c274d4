-- Writes a content back into CKAN's rows, byte for byte as it was hashed: no validation runs at publication, and
-- if anything came out differently the guard would refuse it. Runs with the rights of its caller, on a private package.

CREATE FUNCTION govopen_hashed_columns(t regclass) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
  WHERE attrelid = t AND attnum > 0 AND NOT attisdropped AND attname <> ALL ('{private,state,plugin_data,
    creator_user_id,created,last_modified,metadata_created,metadata_modified,cache_url,cache_last_updated,position,
    package_id}'::text[]) $$;

-- Extras as they shall be, with what of the present ones is outside the hash: empty texts, flags of the DataStore.
CREATE FUNCTION govopen_kept_extras(present jsonb, wanted jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(present) WHERE value = '""'
    OR key IN ('datastore_active', 'datastore_contains_all_records_of_source_file')), '{}') || coalesce(wanted, '{}') $$;

CREATE FUNCTION govopen_put_content(pid text, body jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE moment timestamp := govopen_now() AT TIME ZONE 'UTC';
BEGIN
  EXECUTE format($sql$
    UPDATE package SET (%1$s) = (SELECT %1$s FROM jsonb_populate_record(NULL::package, $1
      || jsonb_build_object('extras', govopen_kept_extras(package.extras, $1 -> 'extras')))) WHERE id = $2$sql$,
    govopen_hashed_columns('package')) USING body -> 1, pid;
  PERFORM govopen_put_resources(pid, coalesce(nullif(body -> 2, 'null'), '[]'), moment);
  PERFORM govopen_put_tags(pid, coalesce(nullif(body -> 3, 'null'), '[]'));
  PERFORM govopen_put_groups(pid, coalesce(nullif(body -> 4, 'null'), '[]'));
END $$;

-- Resources keep their id; one that is new begins now, one that is left out is deleted.
CREATE FUNCTION govopen_put_resources(pid text, wanted jsonb, moment timestamp) RETURNS void LANGUAGE plpgsql AS $$
DECLARE names text := govopen_hashed_columns('resource'); views text := govopen_hashed_columns('resource_view');
BEGIN
  UPDATE resource SET state = 'deleted' WHERE package_id = pid AND state = 'active'
    AND id NOT IN (SELECT r -> 0 ->> 'id' FROM jsonb_array_elements(wanted) r);
  INSERT INTO resource (id, package_id, url, created, metadata_modified)
    SELECT r -> 0 ->> 'id', pid, '', moment, moment FROM jsonb_array_elements(wanted) r
    WHERE NOT EXISTS (SELECT FROM resource x WHERE x.id = r -> 0 ->> 'id');
  EXECUTE format($sql$
    UPDATE resource SET (%1$s) = (SELECT %1$s FROM jsonb_populate_record(NULL::resource, w.v -> 0
        || jsonb_build_object('url', coalesce(w.v -> 0 ->> 'url', ''), 'extras',
             govopen_kept_extras(coalesce(nullif(resource.extras, ''), '{}')::jsonb, w.v -> 0 -> 'extras')))),
      position = w.n - 1, state = 'active',
      last_modified = CASE WHEN f.sha256 IS DISTINCT FROM w.v ->> 1 THEN $3 ELSE resource.last_modified END
    FROM jsonb_array_elements($1) WITH ORDINALITY w(v, n) LEFT JOIN govopen_file f ON f.resource_id = w.v -> 0 ->> 'id'
    WHERE resource.id = w.v -> 0 ->> 'id' AND resource.package_id = $2$sql$, names) USING wanted, pid, moment;
  DELETE FROM resource_view v USING resource r WHERE r.id = v.resource_id AND r.package_id = pid AND r.state = 'active'
    AND v.id NOT IN (SELECT x ->> 'id' FROM jsonb_path_query(wanted, '$[*][5][*] ? (@.type() == "object")') x);
  EXECUTE format($sql$
    INSERT INTO resource_view (%1$s) SELECT %1$s FROM jsonb_path_query($1, '$[*][5][*] ? (@.type() == "object")') x,
      jsonb_populate_record(NULL::resource_view, x)
    ON CONFLICT (id) DO UPDATE SET (%1$s) = ROW (EXCLUDED.*)
    WHERE govopen_row(to_jsonb(resource_view)) <> govopen_row(to_jsonb(EXCLUDED))$sql$, views) USING wanted;
END $$;

CREATE FUNCTION govopen_put_tags(pid text, wanted jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tag (id, name, vocabulary_id)
    SELECT gen_random_uuid()::text, w ->> 1, w ->> 0 FROM jsonb_array_elements(wanted) w
    WHERE NOT EXISTS (SELECT FROM tag t WHERE (t.name, t.vocabulary_id) IS NOT DISTINCT FROM (w ->> 1, w ->> 0));
  UPDATE package_tag x SET state = CASE WHEN wanted @> jsonb_build_array(jsonb_build_array(t.vocabulary_id, t.name))
      THEN 'active' ELSE 'deleted' END
    FROM tag t WHERE t.id = x.tag_id AND x.package_id = pid;
  INSERT INTO package_tag (id, package_id, tag_id, state)
    SELECT gen_random_uuid()::text, pid, t.id, 'active' FROM jsonb_array_elements(wanted) w
      JOIN LATERAL (SELECT id FROM tag WHERE (name, vocabulary_id) IS NOT DISTINCT FROM (w ->> 1, w ->> 0)
        ORDER BY id LIMIT 1) t ON true
    WHERE NOT EXISTS (SELECT FROM package_tag x JOIN tag o ON o.id = x.tag_id WHERE x.package_id = pid
      AND x.state = 'active' AND (o.name, o.vocabulary_id) IS NOT DISTINCT FROM (w ->> 1, w ->> 0));
END $$;

CREATE FUNCTION govopen_put_groups(pid text, wanted jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE member SET state = CASE WHEN wanted ? group_id THEN 'active' ELSE 'deleted' END
    WHERE table_name = 'package' AND table_id = pid AND capacity <> 'organization'
      AND (state = 'active') <> (wanted ? group_id);
  INSERT INTO member (id, group_id, table_id, table_name, capacity, state)
    SELECT gen_random_uuid()::text, w, pid, 'package', 'public', 'active' FROM jsonb_array_elements_text(wanted) w
    WHERE NOT EXISTS (SELECT FROM member m WHERE m.table_name = 'package' AND m.table_id = pid
      AND m.group_id = w AND m.capacity <> 'organization');
END $$;

-- Files of a revision: its own, with the day on which they came; those that its content leaves out are let go.
CREATE FUNCTION govopen_put_files(rid text) RETURNS void LANGUAGE sql AS $$
  DELETE FROM govopen_file f USING govopen_pending_revision v, resource r
    WHERE v.id = rid AND r.package_id = v.package_id AND r.id = f.resource_id AND r.state = 'active'
      AND NOT EXISTS (SELECT FROM jsonb_path_query(v.content, '$[2][*]') w
        WHERE w -> 0 ->> 'id' = f.resource_id AND w ->> 1 IS NOT NULL);
  INSERT INTO govopen_file (resource_id, sha256, size, filename, media_type, actor, recorded_at)
    SELECT f.resource_id, f.sha256, f.size, f.filename, f.media_type, f.actor, f.recorded_at
    FROM govopen_revision_file f JOIN resource r ON r.id = f.resource_id AND r.state = 'active' WHERE f.revision_id = rid
    ON CONFLICT (resource_id) DO UPDATE SET sha256 = EXCLUDED.sha256, size = EXCLUDED.size,
      filename = EXCLUDED.filename, media_type = EXCLUDED.media_type, actor = EXCLUDED.actor,
      recorded_at = EXCLUDED.recorded_at $$;

-- What is public already has its first version, and its tables hold the files that were approved.
INSERT INTO govopen_published_version (package_id, number, content, content_hash, frame_hash, data_on, published_at)
  SELECT p.id, 1, c.body, govopen_hash(c.body), govopen_hash(govopen_frame(c.body)),
    coalesce(s.last_data_date, govopen_today()), coalesce(s.last_updated, r.published_at, govopen_now())
  FROM govopen_public p JOIN govopen_review r ON r.record_type = 'package' AND r.record_id = p.id
    LEFT JOIN govopen_dataset_stat s ON s.package_id = p.id,
    LATERAL (SELECT govopen_content(p.id, r.hash_version) AS body) c;
INSERT INTO govopen_loaded_table (resource_id, sha256)
  SELECT f.resource_id, f.sha256 FROM govopen_file f JOIN resource r ON r.id = f.resource_id AND r.state = 'active'
  JOIN govopen_public p ON p.id = r.package_id;
