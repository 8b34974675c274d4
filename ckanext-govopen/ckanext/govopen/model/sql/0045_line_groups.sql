-- Lines of the inventory that the data authority counts as one: they were split, or look so.
CREATE TABLE govopen_line_group (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  entry_code text NOT NULL,
  into_code text NOT NULL CHECK (into_code <> entry_code),   -- the line that it is counted under
  from_on date NOT NULL,
  reason text NOT NULL CHECK (btrim(reason) <> ''),
  person text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  undone_at timestamptz,                      -- undone: it never was, as far as is known from then on
  undone_by text,
  undone_reason text
);
CREATE UNIQUE INDEX govopen_line_group_now ON govopen_line_group (entry_code) WHERE undone_at IS NULL;
CREATE INDEX govopen_line_group_into ON govopen_line_group (into_code) WHERE undone_at IS NULL;
