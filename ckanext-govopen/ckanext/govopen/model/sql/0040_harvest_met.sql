-- What a connector has met so far and has to know again when its run goes on: what each page adds to it.
-- Unlogged as the stage beside it: after a crash of the server the source is read from its beginning.
CREATE UNLOGGED TABLE govopen_harvest_met (
  job_id text NOT NULL,
  names text[] NOT NULL
);
CREATE INDEX govopen_harvest_met_job ON govopen_harvest_met (job_id);
