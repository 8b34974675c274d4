-- Who wrote the facts of an adjustment last, and at which revision: they are merged like an entry.
ALTER TABLE govopen_register_draft
  ADD COLUMN facts_revision integer NOT NULL DEFAULT 1,
  ADD COLUMN facts_by text,
  ADD COLUMN facts_at timestamptz;
