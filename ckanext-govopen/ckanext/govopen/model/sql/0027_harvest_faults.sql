-- Runs that pause without room, wait because too much has changed, and count what went wrong.
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_state_check,
  DROP CONSTRAINT govopen_harvest_job_waits_for_check,
  ADD CONSTRAINT govopen_harvest_job_state_check CHECK (state IN ('queued', 'running', 'paused', 'needs_approval',
    'finished', 'partial', 'failed', 'cancelled')),
  ADD CONSTRAINT govopen_harvest_job_waits_for_check CHECK (waits_for IN ('first_run', 'breaker', 'changes')),
  ADD COLUMN retries integer NOT NULL DEFAULT 0,   -- steps done again after the database had refused them
  ADD COLUMN deaths integer NOT NULL DEFAULT 0,    -- workers that ended while they were at it
  ADD COLUMN careful_to integer,                   -- the last record that was begun together with others
  ADD COLUMN trying integer,                       -- the record that is taken alone, since a worker died on its batch
  ADD COLUMN tries integer NOT NULL DEFAULT 0;     -- how often that one was begun
DROP INDEX govopen_harvest_job_open;
CREATE UNIQUE INDEX govopen_harvest_job_open ON govopen_harvest_job (source_id)
  WHERE state IN ('queued', 'running', 'paused', 'needs_approval');
