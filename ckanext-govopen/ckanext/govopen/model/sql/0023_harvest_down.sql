DROP TABLE govopen_harvest_change, govopen_harvest_dead, govopen_harvest_object, govopen_harvest_raw,
  govopen_harvest_stage, govopen_harvest_job, govopen_harvest_source, govopen_secret;
