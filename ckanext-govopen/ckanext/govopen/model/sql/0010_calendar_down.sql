DROP TABLE govopen_workday_notice;
