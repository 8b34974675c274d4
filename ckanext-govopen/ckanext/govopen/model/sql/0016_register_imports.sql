-- A file of any type of register is staged like one of the inventory, and becomes a draft adjustment.
ALTER TABLE govopen_import ADD COLUMN register_type text;   -- null: the data inventory
ALTER TABLE govopen_import_row
  ADD COLUMN change text,                      -- kind of the adjustment; null: nothing is adjusted
  ADD COLUMN extra jsonb NOT NULL DEFAULT '{}';
