DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{package,resource,package_tag,member,resource_view}'::text[] LOOP
    EXECUTE format('DROP TRIGGER govopen_guard ON %I', t); END LOOP;
END $$;
DROP VIEW govopen_public, govopen_public_entry, govopen_public_version, govopen_org_unit_current;
DROP TABLE govopen_site, govopen_register_mask, govopen_rate_step, govopen_org_unit, govopen_succession, govopen_role_assignment, govopen_register_version_entry,
  govopen_register_log, govopen_register_version, govopen_data_resource, govopen_register, govopen_review, govopen_opinion,
  govopen_review_case, govopen_file, govopen_dataset_stat, govopen_publication_period, govopen_mapping, govopen_import_row, govopen_import,
  govopen_rate_membership, govopen_metric_snapshot, govopen_index_outbox CASCADE;
DROP SEQUENCE govopen_entry_code_seq;
DO $$ DECLARE f text; BEGIN
  FOR f IN SELECT oid::regprocedure::text FROM pg_proc WHERE proname LIKE 'govopen\_%' LOOP
    EXECUTE 'DROP FUNCTION ' || f || ' CASCADE'; END LOOP;
END $$;
