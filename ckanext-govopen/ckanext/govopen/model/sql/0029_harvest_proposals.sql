-- An officer proposes a source for their unit; nothing is read from it before the data authority adds it.
ALTER TABLE govopen_harvest_source
  DROP CONSTRAINT govopen_harvest_source_state_check,
  ADD CONSTRAINT govopen_harvest_source_state_check
    CHECK (state IN ('proposed', 'declined', 'active', 'paused', 'removed')),
  ADD COLUMN proposed_by text,
  ADD COLUMN reason text,                     -- why it was proposed
  ADD COLUMN answer text,                     -- why it was declined
  ADD CONSTRAINT govopen_harvest_source_proposal CHECK (state NOT IN ('proposed', 'declined')
    OR (proposed_by IS NOT NULL AND reason IS NOT NULL AND unit_id IS NOT NULL AND secret_id IS NULL
      AND approved_at IS NULL AND next_run_at IS NULL)),
  ADD CONSTRAINT govopen_harvest_source_answer CHECK (state <> 'declined' OR answer IS NOT NULL),
  ADD CONSTRAINT govopen_harvest_source_two_people CHECK (approved_by <> proposed_by);

-- A probe reads the first page of a source and writes nothing.
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_kind_check,
  DROP CONSTRAINT govopen_harvest_job_check,
  ADD CONSTRAINT govopen_harvest_job_kind_check
    CHECK (kind IN ('run', 'dry_run', 'probe', 'retry', 'remap')),
  ADD CONSTRAINT govopen_harvest_job_check
    CHECK (state NOT IN ('finished', 'partial') OR balanced OR kind IN ('dry_run', 'probe'));
