-- Templates of a superior's catalogue, by issuer and year, and where each unit's items go in them.
CREATE TABLE govopen_standard_template (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  title text NOT NULL,
  issuer text NOT NULL,
  year integer NOT NULL CHECK (year BETWEEN 1990 AND 2100),
  file_name text NOT NULL,
  sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  items jsonb NOT NULL CHECK (jsonb_typeof(items) = 'array'),   -- [{code, fields}]
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  UNIQUE (issuer, year, sha256)
);
CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_standard_template
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change();

CREATE TABLE govopen_standard_mapping (
  template_id text NOT NULL REFERENCES govopen_standard_template,
  unit_id text NOT NULL,
  given jsonb NOT NULL DEFAULT '{}',          -- what a person decided: {old code: new code or null}
  revision integer NOT NULL DEFAULT 1,
  updated_by text NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (template_id, unit_id)
);
