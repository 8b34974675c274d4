-- Who was told that a duty is overdue: once for each unit that owes it, end of its term, and level.
CREATE TABLE govopen_duty_escalation (
  duty_id text NOT NULL REFERENCES govopen_duty,
  unit_id text NOT NULL,                      -- who owed it then
  due_at timestamptz NOT NULL,                -- the end that had passed
  level integer NOT NULL CHECK (level IN (1, 2)),  -- the unit's leader; the disclosure office
  people text[] NOT NULL,                     -- user ids of those who held the role then; empty: nobody did
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (duty_id, unit_id, due_at, level)
);
CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_duty_escalation
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change();
CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON govopen_duty_escalation
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change();
-- What the night looks at; what was met is most of a large table.
CREATE INDEX govopen_duty_overdue ON govopen_duty (due_on) WHERE state = 'overdue';
