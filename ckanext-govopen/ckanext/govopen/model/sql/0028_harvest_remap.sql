-- Records of a source are mapped anew from what was kept of them, without asking the source.
ALTER TABLE govopen_harvest_job
  DROP CONSTRAINT govopen_harvest_job_kind_check,
  ADD CONSTRAINT govopen_harvest_job_kind_check CHECK (kind IN ('run', 'dry_run', 'retry', 'remap'));
