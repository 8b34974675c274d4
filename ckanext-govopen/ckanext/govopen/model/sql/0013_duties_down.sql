DROP VIEW govopen_duty_now;
DROP TABLE govopen_duty_mail, govopen_duty_cursor, govopen_rule_setting, govopen_duty_subject, govopen_duty_move,
  govopen_duty, govopen_duty_rule, govopen_evidence, govopen_event;
DROP FUNCTION govopen_refuse_event_change();
