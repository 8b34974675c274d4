-- What a person said in place of a record's source; null: nothing, or the source has changed it since.
ALTER TABLE govopen_harvest_object ADD COLUMN mended jsonb;
