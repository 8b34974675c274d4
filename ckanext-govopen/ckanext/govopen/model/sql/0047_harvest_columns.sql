-- A run waits for a person too when columns that the last one has read are gone.
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_waits_for_check,
  ADD CONSTRAINT govopen_harvest_job_waits_for_check
    CHECK (waits_for IN ('first_run', 'breaker', 'columns', 'changes'));
