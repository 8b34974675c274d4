-- Negative lists are registers like any other again, and hold nothing back.
DROP TRIGGER govopen_guard_negative ON package;
DROP FUNCTION govopen_guard_negative(), govopen_negative_entries(text);
DROP VIEW govopen_negative_now;
DROP TRIGGER govopen_take_negative ON govopen_register_span;
DROP FUNCTION govopen_take_negative();
DROP TABLE govopen_negative_target;
