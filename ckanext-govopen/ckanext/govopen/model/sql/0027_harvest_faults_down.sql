UPDATE govopen_harvest_job SET state = 'queued' WHERE state = 'paused';
UPDATE govopen_harvest_job SET waits_for = 'breaker' WHERE waits_for = 'changes';
DROP INDEX govopen_harvest_job_open;
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_state_check,
  DROP CONSTRAINT govopen_harvest_job_waits_for_check,
  ADD CONSTRAINT govopen_harvest_job_state_check CHECK (state IN ('queued', 'running', 'needs_approval', 'finished',
    'partial', 'failed', 'cancelled')),
  ADD CONSTRAINT govopen_harvest_job_waits_for_check CHECK (waits_for IN ('first_run', 'breaker')),
  DROP COLUMN retries, DROP COLUMN deaths, DROP COLUMN careful_to, DROP COLUMN trying, DROP COLUMN tries;
CREATE UNIQUE INDEX govopen_harvest_job_open ON govopen_harvest_job (source_id)
  WHERE state IN ('queued', 'running', 'needs_approval');
