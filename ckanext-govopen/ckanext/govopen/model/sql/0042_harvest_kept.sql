-- What its source has no longer and a person keeps here: not proposed again until the source has had it.
ALTER TABLE govopen_harvest_object
  DROP CONSTRAINT govopen_harvest_object_state_check,
  ADD CONSTRAINT govopen_harvest_object_state_check
    CHECK (state IN ('kept', 'missing', 'removed', 'withdrawal_proposed', 'kept_here'));
