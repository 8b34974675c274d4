-- Headings of the tables in a file, masked: a file that is not what was declared is told by them.
ALTER TABLE govopen_scan ADD COLUMN columns text[] NOT NULL DEFAULT '{}';
