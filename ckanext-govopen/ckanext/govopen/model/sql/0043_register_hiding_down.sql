DROP VIEW govopen_hidden_row;
ALTER TABLE govopen_register_mask DROP COLUMN hiding_id;
DROP TABLE govopen_register_hiding;
DROP FUNCTION govopen_mask_entry();
