UPDATE govopen_harvest_job SET waits_for = 'changes' WHERE waits_for = 'columns';
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_waits_for_check,
  ADD CONSTRAINT govopen_harvest_job_waits_for_check CHECK (waits_for IN ('first_run', 'breaker', 'changes'));
