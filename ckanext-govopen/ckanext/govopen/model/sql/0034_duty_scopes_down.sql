-- Two figures of one day stay on record, so the index of before cannot come back where there are any.
DROP INDEX govopen_evidence_once;
CREATE UNIQUE INDEX govopen_evidence_once ON govopen_evidence (record, condition, unit_id, record_id,
  coalesce(event_record, ''), coalesce(period, ''), ended, ((at AT TIME ZONE 'Asia/Shanghai')::date));
DROP INDEX govopen_duty_once;
ALTER TABLE govopen_duty ADD UNIQUE (rule_id, started_unit, scope);
