ALTER TABLE govopen_register_draft DROP COLUMN facts_revision, DROP COLUMN facts_by, DROP COLUMN facts_at;
