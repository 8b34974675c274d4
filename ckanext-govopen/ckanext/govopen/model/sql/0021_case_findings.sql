-- How many findings of the scan a case was handed in with, as the queue filters by them; null: not scanned yet.
ALTER TABLE govopen_review_case ADD COLUMN findings integer CHECK (findings >= 0);
