DROP TABLE govopen_line_group;
