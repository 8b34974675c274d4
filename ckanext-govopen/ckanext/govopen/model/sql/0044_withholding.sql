-- The first step of a review may propose that something is not to be public; the leader decides.
ALTER TABLE govopen_opinion DROP CONSTRAINT govopen_opinion_result_check,
  ADD CONSTRAINT govopen_opinion_result_check CHECK (result IN ('submitted', 'pass', 'approved', 'returned', 'proposed',
    'withheld', 'withdrawn', 'superseded', 'hidden', 'held', 'consulted', 'escalated', 'answered', 'confirmed', 'lifted'));
