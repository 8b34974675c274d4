-- What happened, what was done about it, and the duties that the rule packs make of both.

-- What starts duties. It only grows; that it never counted is noted beside it.
CREATE TABLE govopen_event (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  trigger text NOT NULL,                      -- vocabulary rule_trigger
  unit_id text,                               -- null: concerns every unit that a rule's subject names
  occurred_at timestamptz NOT NULL,
  occurred_on date NOT NULL,                  -- in Asia/Shanghai
  record_type text,
  record_id text,
  facts jsonb NOT NULL DEFAULT '{}',
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  recorded_by text NOT NULL,
  withdrawn_at timestamptz,
  withdrawn_by text,
  withdrawn_reason text CHECK (withdrawn_at IS NULL OR btrim(withdrawn_reason) <> ''),
  CHECK (occurred_on = (occurred_at AT TIME ZONE 'Asia/Shanghai')::date)
);
CREATE UNIQUE INDEX govopen_event_once ON govopen_event
  (trigger, coalesce(unit_id, ''), coalesce(record_type, ''), coalesce(record_id, ''), occurred_on);
CREATE INDEX govopen_event_record ON govopen_event (record_type, record_id);
CREATE INDEX govopen_event_recorded ON govopen_event (recorded_at, id);

-- Acts that meet duties. When they were done is the clock's to say (duties.E2).
CREATE TABLE govopen_evidence (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  record text NOT NULL,                       -- vocabulary rule_record
  condition text NOT NULL,                    -- vocabulary rule_condition
  unit_id text NOT NULL,
  record_id text NOT NULL,
  event_record text,                          -- what it answers; null: any event of its unit
  period text,                                -- what it is for; null: the period that it was done in
  value numeric(14, 4) NOT NULL DEFAULT 1 CHECK (value >= 0),
  ended boolean NOT NULL DEFAULT false,       -- true: from then on the condition does not hold
  is_public boolean NOT NULL DEFAULT true,
  at timestamptz NOT NULL DEFAULT govopen_now(),
  recorded_by text NOT NULL,
  facts jsonb NOT NULL DEFAULT '{}'
);
CREATE UNIQUE INDEX govopen_evidence_once ON govopen_evidence (record, condition, unit_id, record_id,
  coalesce(event_record, ''), coalesce(period, ''), ended, ((at AT TIME ZONE 'Asia/Shanghai')::date));
CREATE INDEX govopen_evidence_unit ON govopen_evidence (unit_id, record, condition, event_record, at);

-- A rule as it was when it started a duty, under the SHA-256 of its canonical content.
CREATE TABLE govopen_duty_rule (
  id text PRIMARY KEY,
  rule_id text NOT NULL,
  pack_id text NOT NULL,
  pack_version integer NOT NULL,
  content jsonb NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now()
);

CREATE TABLE govopen_duty (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  rule text NOT NULL REFERENCES govopen_duty_rule,
  rule_id text NOT NULL,
  also text[] NOT NULL DEFAULT '{}',          -- rules of other packs that ask the same
  event_id text NOT NULL REFERENCES govopen_event,
  trigger text NOT NULL,
  event_record text,
  scope text NOT NULL,                        -- the event, the period or the fixed date: once for each
  period text,
  started_unit text NOT NULL,                 -- whom it was raised for
  unit_id text NOT NULL,                      -- who owes it now
  owners text[] NOT NULL,                     -- everybody who has owed it
  record text NOT NULL,                       -- what meets it
  condition text NOT NULL,
  amount numeric(14, 4) NOT NULL,             -- how much a quota asks for; 1 for a term
  bound_amount text NOT NULL,                 -- as the bound says it: a number, or a day
  bound_unit text NOT NULL,
  least boolean NOT NULL,
  region text NOT NULL,
  trigger_at timestamptz NOT NULL,
  suspensions jsonb NOT NULL DEFAULT '[]',    -- [[from, until or null], …]: (from, until] is not counted
  extension integer NOT NULL DEFAULT 0,       -- in the unit of the bound
  reset_at timestamptz,
  due_at timestamptz NOT NULL,
  due_on date NOT NULL,
  due_provisional boolean NOT NULL,
  amber_at timestamptz NOT NULL,
  remind_on date[] NOT NULL,
  state text NOT NULL DEFAULT 'running'
    CHECK (state IN ('running', 'paused', 'met', 'late_met', 'overdue', 'waived', 'void')),
  met_at timestamptz,
  evidence_id text REFERENCES govopen_evidence,
  counted numeric(14, 4) NOT NULL DEFAULT 0,
  exemption text,
  closed_at timestamptz,                      -- waived, voided
  is_public boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT govopen_now(),
  UNIQUE (rule_id, started_unit, scope)
);
CREATE INDEX govopen_duty_unit ON govopen_duty (unit_id, due_on, id);
CREATE INDEX govopen_duty_due ON govopen_duty (due_on, id);
CREATE INDEX govopen_duty_event ON govopen_duty (event_id);
CREATE INDEX govopen_duty_open ON govopen_duty (record, condition, unit_id)
  WHERE state IN ('running', 'paused', 'overdue');
CREATE INDEX govopen_duty_running ON govopen_duty (due_at) WHERE state = 'running';
CREATE INDEX govopen_duty_provisional ON govopen_duty (id)
  WHERE due_provisional AND state IN ('running', 'paused', 'overdue');

-- Each change of a duty: of its due date, its owner, its state.
CREATE TABLE govopen_duty_move (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  duty_id text NOT NULL REFERENCES govopen_duty,
  kind text NOT NULL,                         -- vocabulary duty_move
  at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text NOT NULL,
  approver text,
  reason text,
  details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX govopen_duty_move_duty ON govopen_duty_move (duty_id, seq);
CREATE INDEX govopen_duty_move_kind ON govopen_duty_move (kind, seq);

-- Units that a subject names where neither kind nor level says so: pilot units, universities, sites.
CREATE TABLE govopen_duty_subject (
  subject text NOT NULL,                      -- vocabulary rule_subject
  unit_id text NOT NULL,
  from_on date NOT NULL,
  to_on date CHECK (to_on >= from_on),        -- exclusive
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (subject, unit_id, from_on)
);

-- Numbers that the disclosure office gives to words of the packs; the newest of each word holds.
CREATE TABLE govopen_rule_setting (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  pack_id text NOT NULL,
  name text NOT NULL,
  amount integer CHECK (amount > 0),          -- null: taken back
  unit text,
  reason text NOT NULL CHECK (btrim(reason) <> ''),
  actor text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  CHECK ((amount IS NULL) = (unit IS NULL))
);
CREATE INDEX govopen_rule_setting_newest ON govopen_rule_setting (pack_id, name, seq DESC);

-- The last day whose beginning has been looked at: a missed night is caught up from here.
CREATE TABLE govopen_duty_cursor (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  day date NOT NULL,
  calendar_seq bigint NOT NULL DEFAULT 0      -- the newest notice that open duties were counted with
);

-- Which mail a person had on a day: one at most.
CREATE TABLE govopen_duty_mail (
  user_id text NOT NULL,
  day date NOT NULL,
  duties integer NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (user_id, day)
);

-- A duty as it stands at this moment: it is overdue from its last moment on, not from the night after.
CREATE VIEW govopen_duty_now AS
  SELECT d.*, CASE WHEN d.state = 'running' AND CASE WHEN d.bound_unit = 'hours' THEN govopen_now() > d.due_at
                        ELSE govopen_now() >= d.due_at END THEN 'overdue' ELSE d.state END AS state_now
    FROM govopen_duty d;

CREATE FUNCTION govopen_refuse_event_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.withdrawn_at IS NULL
     AND to_jsonb(NEW) - '{withdrawn_at,withdrawn_by,withdrawn_reason}'::text[]
       = to_jsonb(OLD) - '{withdrawn_at,withdrawn_by,withdrawn_reason}'::text[] THEN RETURN NEW; END IF;
  RAISE EXCEPTION '% only grows: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '23514';
END $$;
CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_event
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_event_change();
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{govopen_evidence,govopen_duty_rule,govopen_duty_move,govopen_rule_setting}'::text[] LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON %I
                    FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change()', t); END LOOP;
  FOREACH t IN ARRAY '{govopen_event,govopen_evidence,govopen_duty_rule,govopen_duty_move,govopen_rule_setting}'::text[]
  LOOP
    EXECUTE format('CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON %I
                    FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change()', t); END LOOP;
END $$;
