UPDATE govopen_harvest_job SET kind = 'dry_run' WHERE kind = 'probe';
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_kind_check,
  DROP CONSTRAINT govopen_harvest_job_check,
  ADD CONSTRAINT govopen_harvest_job_kind_check CHECK (kind IN ('run', 'dry_run', 'retry', 'remap')),
  ADD CONSTRAINT govopen_harvest_job_check
    CHECK (state NOT IN ('finished', 'partial') OR balanced OR kind = 'dry_run');
UPDATE govopen_harvest_source SET state = 'removed' WHERE state IN ('proposed', 'declined');
ALTER TABLE govopen_harvest_source
  DROP CONSTRAINT govopen_harvest_source_proposal,
  DROP CONSTRAINT govopen_harvest_source_answer,
  DROP CONSTRAINT govopen_harvest_source_two_people,
  DROP CONSTRAINT govopen_harvest_source_state_check,
  ADD CONSTRAINT govopen_harvest_source_state_check CHECK (state IN ('active', 'paused', 'removed')),
  DROP COLUMN proposed_by, DROP COLUMN reason, DROP COLUMN answer;
