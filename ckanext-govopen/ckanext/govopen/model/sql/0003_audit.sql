-- The audit log only grows, and every row continues one chain.
-- An act writes its note beside its change, whoever makes it; the end of the transaction turns the
-- notes into rows (logic/audit.py), so that the chain's lock is held for that moment alone and taken
-- after every row lock.

CREATE TABLE govopen_audit_note (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  written_in xid8 NOT NULL DEFAULT pg_current_xact_id(),
  recorded_at timestamptz NOT NULL DEFAULT govopen_now(),
  actor text, role text, ip text,
  action text NOT NULL,
  object text NOT NULL,
  before_hash text, after_hash text,
  reason text,
  details jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE govopen_audit (
  seq bigint PRIMARY KEY CHECK (seq > 0),
  recorded_at timestamptz NOT NULL,
  actor text, role text, ip text,
  action text NOT NULL,
  object text NOT NULL,
  before_hash text, after_hash text,
  reason text,
  details jsonb NOT NULL,
  prev_hash text NOT NULL UNIQUE,            -- no two rows continue the same one
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$')
);
CREATE INDEX govopen_audit_action ON govopen_audit (action, seq);
CREATE INDEX govopen_audit_actor ON govopen_audit (actor, seq);
CREATE INDEX govopen_audit_object ON govopen_audit (object, seq);
CREATE INDEX govopen_audit_moment ON govopen_audit (recorded_at);

CREATE TRIGGER govopen_append_only BEFORE UPDATE OR DELETE ON govopen_audit
  FOR EACH ROW EXECUTE FUNCTION govopen_refuse_change();
CREATE TRIGGER govopen_append_only_all BEFORE TRUNCATE ON govopen_audit
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_refuse_change();

CREATE FUNCTION govopen_check_audit() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE broken bigint;
BEGIN
  SELECT n.seq INTO broken FROM added n LEFT JOIN govopen_audit b ON b.seq = n.seq - 1
   WHERE n.prev_hash IS DISTINCT FROM CASE n.seq WHEN 1 THEN '' ELSE b.hash END
   ORDER BY n.seq LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'the audit log breaks its chain at %', broken USING ERRCODE = '23514';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_chain AFTER INSERT ON govopen_audit REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION govopen_check_audit();

-- What is noted by whatever way it is changed, be it CKAN's own actions or a statement by hand.
-- Of accounts and settings only the names of what changed: their values may be personal or secret.

CREATE FUNCTION govopen_note(act text, thing text, who text DEFAULT NULL, in_role text DEFAULT NULL,
    content_hash text DEFAULT NULL, why text DEFAULT NULL, facts jsonb DEFAULT '{}') RETURNS void
  LANGUAGE sql AS $$
  INSERT INTO govopen_audit_note (action, object, actor, role, after_hash, reason, details)
  VALUES (act, thing, who, in_role, content_hash, why, jsonb_strip_nulls(facts)) $$;

CREATE FUNCTION govopen_note_opinion() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note('opinion.' || NEW.result, NEW.record_type || ':' || NEW.record_id, NEW.person,
    array_to_string(NEW.roles, ','), NEW.content_hash, NEW.opinion,
    to_jsonb(NEW) - '{seq,record_type,record_id,content_hash,person,roles,result,opinion,recorded_at}'::text[]
      || jsonb_build_object('opinion', NEW.seq,
           'profile', (SELECT profile FROM govopen_review_case WHERE id = NEW.case_id)));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT ON govopen_opinion
  FOR EACH ROW EXECUTE FUNCTION govopen_note_opinion();

CREATE FUNCTION govopen_note_review() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    PERFORM govopen_note('review.removed', OLD.record_type || ':' || OLD.record_id,
      facts => jsonb_build_object('case_id', OLD.case_id, 'from', OLD.state));
  ELSE
    PERFORM govopen_note('review.' || CASE NEW.state WHEN OLD.state THEN 'step' ELSE NEW.state END,
      NEW.record_type || ':' || NEW.record_id,
      facts => jsonb_build_object('case_id', NEW.case_id, 'from', OLD.state, 'to', NEW.state,
        'from_step', OLD.step, 'to_step', NEW.step, 'embargo_until', NEW.embargo_until,
        'ground', CASE NEW.state WHEN 'withdrawn' THEN NEW.withdrawn_ground END));
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER UPDATE ON govopen_review FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state OR OLD.step IS DISTINCT FROM NEW.step)
  EXECUTE FUNCTION govopen_note_review();
CREATE TRIGGER govopen_noted_end AFTER DELETE ON govopen_review
  FOR EACH ROW EXECUTE FUNCTION govopen_note_review();

CREATE FUNCTION govopen_note_role() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note(CASE WHEN TG_OP = 'UPDATE' THEN 'role.revoked'
      WHEN NEW.deputy_for IS NOT NULL THEN 'role.deputy' ELSE 'role.granted' END,
    'account:' || NEW.user_id, CASE TG_OP WHEN 'INSERT' THEN NEW.granted_by END,
    facts => jsonb_build_object('assignment', NEW.id, 'role', NEW.role, 'unit', NEW.unit_id,
      'from_at', NEW.from_at, 'to_at', NEW.to_at, 'deputy_for', NEW.deputy_for));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT OR UPDATE ON govopen_role_assignment
  FOR EACH ROW EXECUTE FUNCTION govopen_note_role();

-- CKAN's own role: editor or administrator of a unit's organization.
CREATE FUNCTION govopen_note_member() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note(CASE WHEN NEW.state = 'active' THEN 'member.joined' ELSE 'member.left' END,
    'account:' || NEW.table_id,
    facts => jsonb_build_object('unit', NEW.group_id, 'capacity', NEW.capacity));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT ON member FOR EACH ROW
  WHEN (NEW.table_name = 'user') EXECUTE FUNCTION govopen_note_member();
CREATE TRIGGER govopen_noted_change AFTER UPDATE ON member FOR EACH ROW
  WHEN (NEW.table_name = 'user' AND (OLD.state IS DISTINCT FROM NEW.state OR OLD.capacity IS DISTINCT FROM NEW.capacity))
  EXECUTE FUNCTION govopen_note_member();

CREATE FUNCTION govopen_note_account() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE changed jsonb; act text := 'account.created';
BEGIN
  IF TG_OP = 'UPDATE' THEN
    SELECT jsonb_agg(n.key ORDER BY n.key) INTO changed
      FROM jsonb_each(to_jsonb(NEW)) n JOIN jsonb_each(to_jsonb(OLD)) o USING (key)
     WHERE n.value IS DISTINCT FROM o.value AND key <> 'last_active';
    IF changed IS NULL THEN RETURN NULL; END IF;
    act := CASE WHEN changed ? 'sysadmin' THEN 'account.sysadmin' WHEN changed ? 'password' THEN 'account.password'
      WHEN changed ? 'reset_key' AND NEW.reset_key IS NOT NULL THEN 'account.reset_link'
      WHEN changed ? 'state' THEN 'account.' || NEW.state ELSE 'account.changed' END;
  END IF;
  PERFORM govopen_note(act, 'account:' || NEW.id,
    facts => jsonb_build_object('changed', changed, 'state', NEW.state, 'sysadmin', NEW.sysadmin));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT OR UPDATE ON "user"
  FOR EACH ROW EXECUTE FUNCTION govopen_note_account();

-- A token is named by its public number (jti), never by what it says.
CREATE FUNCTION govopen_note_token() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE row api_token := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
  PERFORM govopen_note(CASE TG_OP WHEN 'INSERT' THEN 'token.created' ELSE 'token.revoked' END,
    'token:' || row.id, facts => jsonb_build_object('account', row.user_id));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT OR DELETE ON api_token
  FOR EACH ROW EXECUTE FUNCTION govopen_note_token();

CREATE FUNCTION govopen_note_setting() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note('setting.changed', 'setting:' || CASE TG_OP WHEN 'DELETE' THEN OLD.key ELSE NEW.key END);
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT OR UPDATE OR DELETE ON system_info
  FOR EACH ROW EXECUTE FUNCTION govopen_note_setting();

CREATE FUNCTION govopen_note_unit() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note('unit.recorded', 'unit:' || NEW.unit_id, NEW.actor, why => NEW.reason,
    content_hash => encode(sha256(convert_to((to_jsonb(NEW) - '{seq,recorded_from,recorded_to}'::text[])::text, 'UTF8')), 'hex'),
    facts => jsonb_build_object('name', NEW.name, 'from_on', NEW.from_on, 'to_on', NEW.to_on, 'basis', NEW.basis));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER INSERT ON govopen_org_unit
  FOR EACH ROW EXECUTE FUNCTION govopen_note_unit();

CREATE FUNCTION govopen_note_purge() RETURNS trigger LANGUAGE plpgsql
  SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  PERFORM govopen_note(TG_ARGV[0] || '.purged', TG_ARGV[0] || ':' || OLD.id,
    facts => jsonb_build_object('name', OLD.name, 'state', OLD.state));
  RETURN NULL;
END $$;
CREATE TRIGGER govopen_noted AFTER DELETE ON package FOR EACH ROW EXECUTE FUNCTION govopen_note_purge('package');
CREATE TRIGGER govopen_noted AFTER DELETE ON "group" FOR EACH ROW EXECUTE FUNCTION govopen_note_purge('unit');
CREATE TRIGGER govopen_noted_end AFTER DELETE ON "user" FOR EACH ROW EXECUTE FUNCTION govopen_note_purge('account');
