ALTER TABLE govopen_opinion DROP CONSTRAINT govopen_opinion_result_check,
  ADD CONSTRAINT govopen_opinion_result_check CHECK (result IN ('submitted', 'pass', 'approved', 'returned',
    'withheld', 'withdrawn', 'superseded', 'hidden', 'held', 'consulted', 'escalated', 'answered', 'confirmed', 'lifted'))
  NOT VALID;
