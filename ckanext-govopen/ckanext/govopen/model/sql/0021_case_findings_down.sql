ALTER TABLE govopen_review_case DROP COLUMN findings;
