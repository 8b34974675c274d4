UPDATE govopen_harvest_job SET kind = 'retry' WHERE kind = 'remap';
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_kind_check,
  ADD CONSTRAINT govopen_harvest_job_kind_check CHECK (kind IN ('run', 'dry_run', 'retry'));
