-- A share that is taken anew on the same day is another figure, and the higher one counts.
DROP INDEX govopen_evidence_once;
CREATE UNIQUE INDEX govopen_evidence_once ON govopen_evidence (record, condition, unit_id, record_id,
  coalesce(event_record, ''), coalesce(period, ''), ended, value, ((at AT TIME ZONE 'Asia/Shanghai')::date));
-- A duty of a period that was voided with its event leaves room for that of another event of the period.
ALTER TABLE govopen_duty DROP CONSTRAINT govopen_duty_rule_id_started_unit_scope_key;
CREATE UNIQUE INDEX govopen_duty_once ON govopen_duty (rule_id, started_unit, scope) WHERE state <> 'void';
