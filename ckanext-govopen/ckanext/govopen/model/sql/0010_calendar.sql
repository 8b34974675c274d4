-- Notices of the working days of a year, as they were imported; a correction names what it corrects.
CREATE TABLE govopen_workday_notice (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  region text NOT NULL,
  year integer NOT NULL CHECK (year BETWEEN 2000 AND 2999),
  source text NOT NULL CHECK (btrim(source) <> ''),    -- the document
  holidays jsonb NOT NULL,                    -- day -> name of the holiday
  workdays jsonb NOT NULL,                    -- make-up working day -> name of the holiday
  corrects bigint UNIQUE REFERENCES govopen_workday_notice,
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);
CREATE UNIQUE INDEX govopen_workday_notice_first ON govopen_workday_notice (region, year) WHERE corrects IS NULL;
