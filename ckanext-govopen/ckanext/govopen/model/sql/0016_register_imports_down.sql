DELETE FROM govopen_import WHERE register_type IS NOT NULL;
ALTER TABLE govopen_import DROP COLUMN register_type;
ALTER TABLE govopen_import_row DROP COLUMN change, DROP COLUMN extra;
