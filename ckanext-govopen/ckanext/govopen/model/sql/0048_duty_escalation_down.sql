DROP INDEX govopen_duty_overdue;
DROP TABLE govopen_duty_escalation;
