UPDATE govopen_harvest_object SET state = 'withdrawal_proposed' WHERE state = 'kept_here';
ALTER TABLE govopen_harvest_object
  DROP CONSTRAINT govopen_harvest_object_state_check,
  ADD CONSTRAINT govopen_harvest_object_state_check
    CHECK (state IN ('kept', 'missing', 'removed', 'withdrawal_proposed'));
