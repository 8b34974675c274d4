DO $$ DECLARE t record; BEGIN
  FOR t IN SELECT tgname, tgrelid::regclass::text AS of FROM pg_trigger WHERE tgname LIKE 'govopen\_noted%' LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.of); END LOOP;
END $$;
DROP TABLE govopen_audit, govopen_audit_note;
DROP FUNCTION govopen_check_audit(), govopen_note_opinion(), govopen_note_review(), govopen_note_role(),
  govopen_note_member(), govopen_note_account(), govopen_note_token(), govopen_note_setting(), govopen_note_unit(),
  govopen_note_purge(), govopen_note(text, text, text, text, text, text, jsonb);
