DROP TABLE govopen_sign_in;
