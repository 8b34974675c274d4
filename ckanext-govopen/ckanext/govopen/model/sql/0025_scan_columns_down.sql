ALTER TABLE govopen_scan DROP COLUMN columns;
