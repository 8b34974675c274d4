-- Who last said how a source is read does not approve what comes of it.
ALTER TABLE govopen_harvest_source
  ADD COLUMN settings_by text,                -- null: who added it
  ADD CONSTRAINT govopen_harvest_source_not_own_settings CHECK (approved_by <> settings_by);
