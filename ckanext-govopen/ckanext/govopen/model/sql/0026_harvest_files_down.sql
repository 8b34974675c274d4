DROP TABLE govopen_harvest_file;
