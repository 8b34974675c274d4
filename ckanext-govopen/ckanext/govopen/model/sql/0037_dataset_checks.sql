-- What the scan notes of the tables in a file and of its encoding, for the checks of its dataset.
ALTER TABLE govopen_scan
  ADD COLUMN tables jsonb,                    -- [{sheet, columns, rows, masked, newest}]; null: scanned before this was noted
  ADD COLUMN encoding text;                   -- of a text; null for other files
-- What the checks told of the data of a case when its scan had ended; null: not yet, or before they did.
ALTER TABLE govopen_review_case ADD COLUMN told jsonb;
-- The same content in another place.
CREATE INDEX govopen_file_sha256 ON govopen_file (sha256);
