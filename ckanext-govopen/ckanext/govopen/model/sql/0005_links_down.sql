DROP TABLE govopen_link_failure, govopen_link;
