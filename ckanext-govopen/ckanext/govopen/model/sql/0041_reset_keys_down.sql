DROP TABLE govopen_reset_key;
