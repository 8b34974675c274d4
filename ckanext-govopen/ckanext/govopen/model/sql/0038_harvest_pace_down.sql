ALTER TABLE govopen_harvest_job DROP COLUMN stage_at, DROP COLUMN stage_done;
