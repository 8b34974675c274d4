DROP TABLE govopen_mail;
