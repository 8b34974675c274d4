ALTER TABLE govopen_harvest_job DROP COLUMN gather_cursor;
ALTER TABLE govopen_harvest_object DROP COLUMN said_hash;
