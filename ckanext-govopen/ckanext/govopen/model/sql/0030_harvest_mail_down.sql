DROP TABLE govopen_harvest_mail;
