DROP INDEX govopen_file_sha256;
ALTER TABLE govopen_review_case DROP COLUMN told;
ALTER TABLE govopen_scan DROP COLUMN encoding, DROP COLUMN tables;
