DROP TRIGGER govopen_guard_withheld ON package;
DROP FUNCTION govopen_guard_withheld(), govopen_withheld_entries(text);
