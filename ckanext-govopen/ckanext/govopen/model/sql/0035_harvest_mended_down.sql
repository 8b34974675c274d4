ALTER TABLE govopen_harvest_object DROP COLUMN mended;
