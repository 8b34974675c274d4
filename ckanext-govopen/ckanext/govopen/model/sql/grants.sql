-- Run by the owner after every migration: the application's role owns nothing.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO govopen_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO govopen_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO govopen_app;
-- What only grows.
REVOKE UPDATE, DELETE ON govopen_opinion, govopen_register_log, govopen_register_mask, govopen_succession,
  govopen_metric_snapshot, govopen_audit, govopen_scan, govopen_scan_hit, govopen_scan_clearance FROM govopen_app;
REVOKE DELETE ON govopen_register, govopen_review_case, govopen_org_unit, govopen_role_assignment FROM govopen_app;
REVOKE DELETE ON govopen_publication_period FROM govopen_app;
REVOKE UPDATE ON govopen_org_unit, govopen_role_assignment, govopen_publication_period FROM govopen_app;
GRANT UPDATE (to_at, ground) ON govopen_publication_period TO govopen_app;
GRANT UPDATE (recorded_to) ON govopen_org_unit TO govopen_app;
GRANT UPDATE (to_at) ON govopen_role_assignment TO govopen_app;
REVOKE INSERT ON govopen_scan, govopen_scan_clearance FROM govopen_app;
GRANT INSERT (subject, version, verdict, rows, cells, unread, columns, tables, encoding) ON govopen_scan TO govopen_app;
GRANT INSERT (case_id, record_id, subject, pattern, sheet, column_no, person, act, reason) ON govopen_scan_clearance
  TO govopen_app;
-- Which migrations the tables have seen is the owner's to say.
REVOKE INSERT, UPDATE, DELETE ON alembic_version, activity_alembic_version, govopen_alembic_version FROM govopen_app;
REVOKE UPDATE ON govopen_audit_note FROM govopen_app;
REVOKE UPDATE, DELETE ON govopen_scan_allowance FROM govopen_app;
GRANT UPDATE (revoked_at) ON govopen_scan_allowance TO govopen_app;
REVOKE UPDATE ON tag FROM govopen_app;
-- When something was said is the clock's to say.
REVOKE INSERT ON govopen_opinion FROM govopen_app;
GRANT INSERT (case_id, record_type, record_id, content_hash, person, roles, step, result, opinion, ground,
  checklist, deputy_for, refresh_rule, not_before) ON govopen_opinion TO govopen_app;
REVOKE INSERT, UPDATE, DELETE ON govopen_refresh_rule, govopen_refresh_revocation FROM govopen_app;
GRANT INSERT (package_id, schema, source, masking, row_change_bound, expires_on, created_by) ON govopen_refresh_rule
  TO govopen_app;
GRANT INSERT (rule_id, reason, person) ON govopen_refresh_revocation TO govopen_app;
REVOKE INSERT, UPDATE, DELETE ON govopen_published_version FROM govopen_app;
REVOKE DELETE ON govopen_pending_revision FROM govopen_app;
REVOKE INSERT, UPDATE ON govopen_pending_revision FROM govopen_app;
GRANT INSERT (package_id, base_hash, content, changes, hash_version, note, rule_id, created_by),
  UPDATE (base_hash, content, changes, hash_version, note, rule_id) ON govopen_pending_revision TO govopen_app;
REVOKE UPDATE, DELETE ON govopen_review_consultation, govopen_purge_outbox, govopen_review_escalation,
  govopen_verification FROM govopen_app;
GRANT UPDATE (consents, answer, answered_by, answered_at) ON govopen_review_consultation TO govopen_app;
GRANT UPDATE (attempts, last_error, done_at) ON govopen_purge_outbox TO govopen_app;
REVOKE UPDATE, DELETE ON govopen_workday_notice FROM govopen_app;
-- What a register says is written by the guard, when a version becomes public.
REVOKE INSERT, UPDATE, DELETE ON govopen_register_code, govopen_register_span, govopen_register_entry,
  govopen_register_link, govopen_register_step FROM govopen_app;
REVOKE INSERT, UPDATE, DELETE ON govopen_negative_target FROM govopen_app;
REVOKE ALL ON FUNCTION govopen_write_spans(text), govopen_project_entries(text, date) FROM PUBLIC, govopen_app;
REVOKE UPDATE, DELETE ON govopen_register_review FROM govopen_app;
-- What is hidden of a list follows from what people say of it.
REVOKE INSERT ON govopen_register_mask FROM govopen_app;
REVOKE INSERT, UPDATE, DELETE ON govopen_register_hiding FROM govopen_app;
GRANT INSERT (register_id, entry_code, act, settles, ground, reason, person, roles, deputy_for)
  ON govopen_register_hiding TO govopen_app;
REVOKE DELETE ON govopen_notice_number FROM govopen_app;
-- Events and evidence: what happened only grows, and when something was done is the clock's to say.
REVOKE UPDATE, DELETE ON govopen_event, govopen_evidence, govopen_duty_rule, govopen_duty_move,
  govopen_duty_subject, govopen_rule_setting, govopen_duty_mail, govopen_duty_escalation FROM govopen_app;
REVOKE DELETE ON govopen_duty, govopen_duty_cursor FROM govopen_app;
GRANT UPDATE (withdrawn_at, withdrawn_by, withdrawn_reason) ON govopen_event TO govopen_app;
GRANT UPDATE (to_on) ON govopen_duty_subject TO govopen_app;
REVOKE INSERT ON govopen_evidence FROM govopen_app;
GRANT INSERT (id, record, condition, unit_id, record_id, event_record, period, value, ended, is_public, recorded_by,
  facts) ON govopen_evidence TO govopen_app;
REVOKE INSERT ON govopen_duty_escalation FROM govopen_app;
GRANT INSERT (duty_id, unit_id, due_at, level, people) ON govopen_duty_escalation TO govopen_app;
-- A superior's template is kept as it came.
REVOKE UPDATE, DELETE ON govopen_standard_template FROM govopen_app;
REVOKE DELETE ON govopen_standard_mapping FROM govopen_app;
-- Harvest: a report only grows, what a source said is never another, no source or run is unmade.
REVOKE UPDATE, DELETE ON govopen_harvest_change, govopen_harvest_raw, govopen_harvest_mail FROM govopen_app;
REVOKE DELETE ON govopen_harvest_source, govopen_harvest_job, govopen_harvest_object, govopen_harvest_dead
  FROM govopen_app;
REVOKE UPDATE ON govopen_secret FROM govopen_app;
REVOKE UPDATE, DELETE ON govopen_line_group FROM govopen_app;
GRANT UPDATE (undone_at, undone_by, undone_reason) ON govopen_line_group TO govopen_app;
-- The stamp belongs to the owner, the clock of a stamped database to the application.
REVOKE INSERT, UPDATE, DELETE ON govopen_site FROM govopen_app;
GRANT UPDATE (clock_at) ON govopen_site TO govopen_app;
-- What only the owner does: erasing private parts, stamping the database.
REVOKE ALL ON FUNCTION govopen_erase_private(bigint[], text, text), govopen_stamp(text)
  FROM PUBLIC, govopen_app;
