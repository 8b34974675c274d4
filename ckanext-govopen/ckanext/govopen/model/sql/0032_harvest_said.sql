-- What a record said in our words when it was written: another reading of it that comes to the same
-- changes nothing. Null: written before this was noted, or an entry, whose fields have their own.
ALTER TABLE govopen_harvest_object ADD COLUMN said_hash text;
-- Where a source goes on after the last page that was read; null where it has to be read anew.
ALTER TABLE govopen_harvest_job ADD COLUMN gather_cursor jsonb;
