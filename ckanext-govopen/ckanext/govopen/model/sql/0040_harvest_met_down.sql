DROP TABLE govopen_harvest_met;
