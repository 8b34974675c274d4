-- Two figures of one day stay on record: where there are any, the index of before cannot come back, and
-- this one stays, which refuses less.
DO $$ BEGIN
  DROP INDEX govopen_evidence_once;
  CREATE UNIQUE INDEX govopen_evidence_once ON govopen_evidence (record, condition, unit_id, record_id,
    coalesce(event_record, ''), coalesce(period, ''), ended, ((at AT TIME ZONE 'Asia/Shanghai')::date));
EXCEPTION WHEN unique_violation THEN
  RAISE NOTICE 'figures of one day are kept: govopen_evidence_once stays as it is';
END $$;
-- Before, a scope had one duty, voided or not: a voided one leaves it to the duty that followed.
UPDATE govopen_duty d SET scope = d.scope || ' void ' || d.id WHERE d.state = 'void' AND EXISTS (
  SELECT FROM govopen_duty o WHERE o.rule_id = d.rule_id AND o.started_unit = d.started_unit
    AND o.scope = d.scope AND o.id <> d.id AND (o.state <> 'void' OR o.id > d.id));
DROP INDEX govopen_duty_once;
ALTER TABLE govopen_duty ADD UNIQUE (rule_id, started_unit, scope);
