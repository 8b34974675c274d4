-- The review whole: its steps, checklists, bodies that are asked, deputies, embargo, purges, checks.

ALTER TABLE govopen_review_case
  ADD COLUMN steps text[] NOT NULL DEFAULT '{}',        -- fixed at submission; empty: those of the kind
  ADD COLUMN embargo_until timestamptz;                 -- as asked for at submission
ALTER TABLE govopen_review ADD COLUMN step_since timestamptz NOT NULL DEFAULT govopen_now();
CREATE INDEX govopen_review_embargo ON govopen_review (embargo_until) WHERE state = 'embargoed';

ALTER TABLE govopen_opinion
  ADD COLUMN ground text,
  ADD COLUMN checklist jsonb,
  DROP CONSTRAINT govopen_opinion_result_check,
  ADD CONSTRAINT govopen_opinion_result_check CHECK (result IN ('submitted', 'pass', 'approved', 'returned',
    'withheld', 'withdrawn', 'superseded', 'hidden', 'held', 'consulted', 'escalated', 'answered', 'confirmed', 'lifted'));
CREATE INDEX govopen_opinion_case ON govopen_opinion (case_id, seq);
CREATE INDEX govopen_opinion_hidden ON govopen_opinion (record_id, seq) WHERE result IN ('hidden', 'confirmed', 'lifted');
CREATE INDEX govopen_role_assignment_deputy ON govopen_role_assignment (deputy_for) WHERE deputy_for IS NOT NULL;

-- Bodies whose written answer a case waits for: others' information needs their consent.
CREATE TABLE govopen_review_consultation (
  id text PRIMARY KEY DEFAULT gen_random_uuid()::text,
  case_id text NOT NULL REFERENCES govopen_review_case,
  step text NOT NULL CHECK (step IN ('consult', 'escalated')),
  from_step text NOT NULL,                              -- where the case goes on
  body text NOT NULL,
  question text NOT NULL,
  asked_by text NOT NULL,
  asked_at timestamptz NOT NULL DEFAULT govopen_now(),
  consents boolean,
  answer text,
  answered_by text,
  answered_at timestamptz,
  CHECK ((consents IS NULL) = (answered_at IS NULL))
);
CREATE INDEX govopen_review_consultation_case ON govopen_review_consultation (case_id, asked_at);

-- Where copies of a withdrawn record may remain; readers do not see it from the withdrawal's commit on.
CREATE TABLE govopen_purge_outbox (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  package_id text NOT NULL,
  opinion_seq bigint NOT NULL REFERENCES govopen_opinion,   -- the withdrawal or hiding
  part text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  last_error text,                                      -- a class and a code, never content
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  done_at timestamptz,
  UNIQUE (package_id, opinion_seq, part)
);
CREATE INDEX govopen_purge_outbox_waiting ON govopen_purge_outbox (seq) WHERE done_at IS NULL;

-- Who was told that a case waits too long: once for each stay at a step and level.
CREATE TABLE govopen_review_escalation (
  case_id text NOT NULL REFERENCES govopen_review_case,
  step text NOT NULL,
  since timestamptz NOT NULL,
  level integer NOT NULL CHECK (level IN (1, 2)),       -- the unit's leader; the data authority
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  PRIMARY KEY (case_id, step, since, level)
);

-- Every comparison of what is public with what was approved; an alarm stays until a later one passes.
CREATE TABLE govopen_verification (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  public integer NOT NULL,
  files integer NOT NULL,
  records jsonb NOT NULL,
  versions jsonb NOT NULL,
  changed_files jsonb NOT NULL
);

-- Embargo is asked where a record becomes public: a clock set back afterwards hides nothing.
CREATE OR REPLACE FUNCTION govopen_still_stands(s govopen_opinion) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT s.result = 'submitted' AND s.person <> 'system'
    AND NOT EXISTS (SELECT FROM govopen_opinion v
      WHERE v.record_type = s.record_type AND v.record_id = s.record_id AND v.seq > s.seq
        AND (v.result IN ('withdrawn', 'hidden')
          OR v.content_hash = s.content_hash AND v.result IN ('returned', 'withheld', 'superseded'))) $$;

-- Two people, and neither in the other's place.
CREATE OR REPLACE FUNCTION govopen_people_approved(rtype text, rid text, h text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_opinion s JOIN govopen_opinion a USING (record_type, record_id, content_hash)
    WHERE record_type = rtype AND record_id = rid AND content_hash = h AND a.result = 'approved' AND a.seq > s.seq
      AND a.person <> s.person AND a.person <> 'system' AND a.refresh_rule IS NULL
      AND a.deputy_for IS DISTINCT FROM s.person AND s.deputy_for IS DISTINCT FROM a.person
      AND govopen_still_stands(s)) $$;

CREATE OR REPLACE FUNCTION govopen_approved(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM govopen_review r, LATERAL govopen_record_hash(rtype, rid, r.hash_version) h
    WHERE r.record_type = rtype AND r.record_id = rid AND r.state = 'published'
      AND (r.embargo_until IS NULL OR r.embargo_until <= greatest(govopen_now(), r.published_at))
      AND (govopen_people_approved(rtype, rid, h) OR rtype = 'package' AND govopen_rule_of(rid, h) IS NOT NULL)) $$;

-- The embargo with which this content was submitted; nobody changes it afterwards.
CREATE FUNCTION govopen_is_embargoed(rtype text, rid text) RETURNS boolean LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT coalesce((SELECT o.not_before FROM govopen_review r JOIN govopen_opinion o USING (record_type, record_id)
    WHERE record_type = rtype AND record_id = rid AND o.result = 'submitted'
      AND o.content_hash = govopen_record_hash(rtype, rid, r.hash_version)
    ORDER BY o.seq DESC LIMIT 1) > govopen_now(), false) $$;

CREATE OR REPLACE FUNCTION govopen_guard_package() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.private IS NOT TRUE AND (TG_OP = 'DELETE' OR NEW.state <> 'active') THEN
    RAISE EXCEPTION 'package % is public: withdraw it first', OLD.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (NEW.state IS DISTINCT FROM 'active'
      OR current_setting('transaction_isolation') <> 'read committed'
      OR NOT govopen_approved('package', NEW.id)) THEN
    RAISE EXCEPTION 'package % is not approved for publication', NEW.id USING ERRCODE = '23514'; END IF;
  IF TG_OP <> 'DELETE' AND NEW.private IS NOT TRUE AND (TG_OP = 'INSERT' OR OLD.private IS TRUE) THEN
    IF govopen_is_embargoed('package', NEW.id) THEN
      RAISE EXCEPTION 'package % is under embargo', NEW.id USING ERRCODE = '23514'; END IF;
    PERFORM govopen_note_publication(NEW.id); END IF;
  RETURN NULL;
END $$;

-- A register version is public by its state alone; of a dataset the flip itself is asked, above.
CREATE FUNCTION govopen_guard_embargo() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND OLD.state = 'published' THEN RETURN NULL; END IF;
  IF NEW.embargo_until > govopen_now()
      OR NEW.record_type <> 'package' AND govopen_is_embargoed(NEW.record_type, NEW.record_id) THEN
    RAISE EXCEPTION '% % is under embargo', NEW.record_type, NEW.record_id USING ERRCODE = '23514'; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_guard_embargo AFTER INSERT OR UPDATE ON govopen_review
  FOR EACH ROW WHEN (NEW.state = 'published') EXECUTE FUNCTION govopen_guard_embargo();
