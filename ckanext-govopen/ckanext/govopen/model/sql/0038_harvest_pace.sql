-- Since when a run is at its stage, and how many records were done with before: how fast it is.
ALTER TABLE govopen_harvest_job ADD COLUMN stage_at timestamptz, ADD COLUMN stage_done integer NOT NULL DEFAULT 0;
