ALTER TABLE govopen_harvest_source
  DROP CONSTRAINT govopen_harvest_source_not_own_settings, DROP COLUMN settings_by;
