"""The publication guard, by direct SQL as the application's role: docs/decisions/003.

Every refusal comes from the database itself; no code of the application is between it and the test.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import errors

sys.path.insert(0, str(Path(__file__).parent))
from guard_kit import APPROVER, OFFICER, THIRD, Guarded, application_url, connected

REFUSED = (errors.CheckViolation,)
NOT_ALLOWED = (errors.InsufficientPrivilege, errors.CheckViolation)


@pytest.fixture(scope="module")
def url(data_folder: Path) -> str:
    return application_url(data_folder)


@pytest.fixture
def guarded(url: str) -> Iterator[Guarded]:
    with connected(url) as connection:
        yield Guarded(connection)


def test_the_application_connects_as_a_role_that_owns_no_table_and_is_no_superuser(
    guarded: Guarded,
) -> None:
    owned = guarded.run(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
        " WHERE r.rolname = current_user AND c.relkind = 'r' AND c.relpersistence = 'p'"
    )
    assert owned == [(0,)]
    assert guarded.run("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


# --- refused: making something public -----------------------------------------------------------

OTHER_HASH = "0" * 64
UNAPPROVED: dict[str, Callable[[Guarded], Guarded]] = {
    "without any opinion": lambda g: g.state("published"),
    "with only a submission": lambda g: g.say(OFFICER, "submitted").state("published"),
    "with both opinions of one person": lambda g: (
        g.say(OFFICER, "submitted").say(OFFICER, "approved").state("published")
    ),
    "with an approval before the submission": lambda g: (
        g.say(APPROVER, "approved").say(OFFICER, "submitted").state("published")
    ),
    "with opinions for another hash": lambda g: (
        g.say(OFFICER, "submitted", OTHER_HASH)
        .say(APPROVER, "approved", OTHER_HASH)
        .state("published")
    ),
    "by the deputy of the submitter": lambda g: (
        g.say(OFFICER, "submitted").say(APPROVER, "approved", deputy_for=OFFICER).state("published")
    ),
    "after a withdrawal of another content": lambda g: (
        g.approve().say(OFFICER, "withdrawn", OTHER_HASH).state("published")
    ),
    "after a return": lambda g: g.approve().say(APPROVER, "returned").state("published"),
    "after a withholding": lambda g: g.approve().say(APPROVER, "withheld").state("published"),
    "while only approved": lambda g: g.approve().state("approved"),
    "while submitted": lambda g: g.approve().state("submitted"),
}


@pytest.mark.parametrize("how", UNAPPROVED)
def test_a_flip_is_refused(guarded: Guarded, how: str) -> None:
    UNAPPROVED[how](guarded.draft())
    with pytest.raises(REFUSED):
        guarded.flip()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE package SET private = NULL WHERE id = %(package)s",
        "UPDATE package SET private = false, state = 'draft' WHERE id = %(package)s",
        "UPDATE package SET private = false, title = 'other' WHERE id = %(package)s",
        'UPDATE package SET private = false, extras = \'{"a": "b"}\' WHERE id = %(package)s',
    ],
)
def test_a_flip_in_another_shape_is_refused(guarded: Guarded, sql: str) -> None:
    guarded.draft()
    if "NULL" not in sql:
        guarded.approve().state("published")
    with pytest.raises(REFUSED):
        guarded.run(sql)


def test_an_embargo_that_is_not_over_refuses_the_flip(guarded: Guarded) -> None:
    guarded.draft().approve().state("published")
    guarded.run(
        "UPDATE govopen_review SET embargo_until = govopen_now() + interval '1 day'"
        " WHERE record_id = %(package)s"
    )
    with pytest.raises(REFUSED):
        guarded.flip()


def test_an_embargo_that_was_submitted_is_asked_whatever_the_review_row_says(
    guarded: Guarded,
) -> None:
    guarded.draft().say(OFFICER, "submitted", not_before="1 day")
    guarded.say(APPROVER, "approved").state("published")
    with pytest.raises(REFUSED, match="embargo"):
        guarded.flip()


@pytest.mark.parametrize("later", [OFFICER, THIRD])
def test_a_later_submission_without_an_embargo_lifts_none(guarded: Guarded, later: str) -> None:
    guarded.draft().say(OFFICER, "submitted", not_before="1 day").say(APPROVER, "approved")
    guarded.say(later, "submitted").say(APPROVER, "approved").state("published")
    with pytest.raises(REFUSED, match="embargo"):
        guarded.flip()


def test_an_embargo_ends_with_the_submission_that_it_was_spoken_with(guarded: Guarded) -> None:
    guarded.draft().say(OFFICER, "submitted", not_before="1 day").say(OFFICER, "superseded")
    guarded.approve().state("published").flip()
    assert guarded.is_public()


# --- refused: voices that are nobody's ----------------------------------------------------------


@pytest.mark.parametrize("person", ["", " ", OFFICER + " ", OFFICER.upper(), "x", "SYSTEM"])
def test_nobody_without_an_account_has_a_voice(guarded: Guarded, person: str) -> None:
    guarded.draft()
    with pytest.raises(REFUSED, match="account"):
        guarded.say(person, "submitted")


def test_who_left_has_no_voice_any_more(guarded: Guarded) -> None:
    guarded.draft()
    guarded.run("UPDATE \"user\" SET state = 'deleted' WHERE id = %(who)s", who=APPROVER)
    with pytest.raises(REFUSED, match="account"):
        guarded.say(APPROVER, "approved")


@pytest.mark.parametrize("whom", ["", "x"])
def test_nobody_stands_in_the_place_of_somebody_who_is_not_there(
    guarded: Guarded, whom: str
) -> None:
    guarded.draft()
    with pytest.raises(REFUSED, match="account"):
        guarded.say(APPROVER, "approved", deputy_for=whom)


def test_two_deputies_of_one_person_are_one(guarded: Guarded) -> None:
    guarded.draft().say(OFFICER, "submitted", deputy_for=THIRD)
    guarded.say(APPROVER, "approved", deputy_for=THIRD).state("published")
    with pytest.raises(REFUSED):
        guarded.flip()


# --- refused: a unit that is gone ----------------------------------------------------------------

DISSOLVED = """
INSERT INTO govopen_org_unit (unit_id, slug, name, kind, level, region_code, valid_from, valid_to,
  from_on, actor)
VALUES (%(package)s, %(package)s, 'u', 'gov_organ', 'city', '990100', '2020-01-01',
  govopen_today() + %(days)s, '2020-01-01', 'x')
"""


@pytest.mark.parametrize("days", [0, -1, -400])
def test_a_dissolved_unit_makes_nothing_public(guarded: Guarded, days: int) -> None:
    guarded.draft().run(DISSOLVED, days=days)
    guarded.run("UPDATE package SET owner_org = %(package)s WHERE id = %(package)s")
    guarded.approve().state("published")
    with pytest.raises(REFUSED, match="dissolved"):
        guarded.flip()


def test_a_unit_publishes_until_its_last_day(guarded: Guarded) -> None:
    guarded.draft().run(DISSOLVED, days=1)
    guarded.run("UPDATE package SET owner_org = %(package)s WHERE id = %(package)s")
    assert guarded.approve().state("published").flip().is_public()


@pytest.mark.parametrize("private", ["false", "NULL"])
def test_a_package_cannot_be_inserted_public(guarded: Guarded, private: str) -> None:
    with pytest.raises(REFUSED):
        guarded.run(
            "INSERT INTO package (id, name, state, private, type)"
            f" VALUES (%(package)s, %(package)s, 'active', {private}, 'dataset')"
        )


def test_an_edit_between_approval_and_flip_is_refused(guarded: Guarded) -> None:
    guarded.draft().approve()
    guarded.run("UPDATE resource SET description = 'new' WHERE id = %(resource)s")
    guarded.state("published")
    with pytest.raises(REFUSED):
        guarded.flip()


# --- refused: changing what is public -----------------------------------------------------------

FROZEN = {
    "title": "UPDATE package SET title = 'x' WHERE id = %(package)s",
    "notes": "UPDATE package SET notes = 'x' WHERE id = %(package)s",
    "extras": 'UPDATE package SET extras = \'{"open_type": "conditional"}\' WHERE id = %(package)s',
    "owner": "UPDATE package SET owner_org = 'unit-b' WHERE id = %(package)s",
    "name": "UPDATE package SET name = 'x' || name WHERE id = %(package)s",
    "licence": "UPDATE package SET license_id = 'cc0-1.0' WHERE id = %(package)s",
    "resource name": "UPDATE resource SET name = 'x' WHERE id = %(resource)s",
    "resource url": "UPDATE resource SET url = 'x.csv' WHERE id = %(resource)s",
    "resource type of url": "UPDATE resource SET url_type = 'x' WHERE id = %(resource)s",
    "resource extras": 'UPDATE resource SET extras = \'{"a": "b"}\' WHERE id = %(resource)s',
    "text in place of a flag": 'UPDATE resource SET extras = \'{"datastore_active": "text"}\''
    " WHERE id = %(resource)s",
    "resource removed": "UPDATE resource SET state = 'deleted' WHERE id = %(resource)s",
    "resource erased": "DELETE FROM resource WHERE id = %(second)s",
    "resource added": "INSERT INTO resource (id, package_id, url, state, position)"
    " VALUES (gen_random_uuid()::text, %(package)s, 'c.csv', 'active', 2)",
    "order": "UPDATE resource SET position = 1 - position WHERE package_id = %(package)s",
    "tag added": "INSERT INTO package_tag (id, package_id, tag_id, state)"
    " VALUES (gen_random_uuid()::text, %(package)s, %(tag)s, 'active')",
    "tag removed": "UPDATE package_tag SET state = 'deleted' WHERE id = %(tag)s",
    "tag erased": "DELETE FROM package_tag WHERE id = %(tag)s",
    "group removed": "UPDATE member SET state = 'deleted' WHERE id = %(group)s",
    "group erased": "DELETE FROM member WHERE id = %(group)s",
    "view changed": "UPDATE resource_view SET title = 'x' WHERE id = %(view)s",
    "view erased": "DELETE FROM resource_view WHERE id = %(view)s",
    "view added": 'INSERT INTO resource_view (id, resource_id, view_type, "order")'
    " VALUES (gen_random_uuid()::text, %(second)s, 'text_view', 0)",
    "file hash": "UPDATE govopen_file SET sha256 = repeat('b', 64) WHERE resource_id = %(resource)s",
    "file erased": "DELETE FROM govopen_file WHERE resource_id = %(resource)s",
    "file added": "INSERT INTO govopen_file (resource_id, sha256, size, filename, media_type, actor)"
    " VALUES (%(second)s, repeat('c', 64), 1, 'b.csv', 'text/csv', 'x')",
    "review state": "UPDATE govopen_review SET state = 'draft' WHERE record_id = %(package)s",
    "review erased": "DELETE FROM govopen_review WHERE record_id = %(package)s",
    "embargo": "UPDATE govopen_review SET embargo_until = govopen_now() + interval '1 day'"
    " WHERE record_id = %(package)s",
    "deleted": "UPDATE package SET state = 'deleted' WHERE id = %(package)s",
    "deleted and hidden at once": "UPDATE package SET state = 'deleted', private = true"
    " WHERE id = %(package)s",
    "unfinished again": "UPDATE package SET state = 'draft' WHERE id = %(package)s",
}


@pytest.mark.parametrize("what", FROZEN)
def test_what_is_public_is_frozen(guarded: Guarded, what: str) -> None:
    guarded.published()
    with pytest.raises(REFUSED):
        guarded.run(FROZEN[what])


def test_a_public_package_cannot_be_erased(guarded: Guarded) -> None:
    guarded.published()
    with pytest.raises((errors.CheckViolation, errors.ForeignKeyViolation)):
        guarded.run("DELETE FROM package WHERE id = %(package)s")


def test_a_resource_never_moves_to_another_package(guarded: Guarded, url: str) -> None:
    guarded.draft()
    other = Guarded(guarded.connection)
    other.draft()
    with pytest.raises(REFUSED):
        guarded.run(
            "UPDATE resource SET package_id = %(other)s WHERE id = %(second)s",
            other=other.ids.package,
        )


@pytest.mark.parametrize("opinions", [0, 1])
def test_the_window_without_a_full_approval_is_refused(guarded: Guarded, opinions: int) -> None:
    guarded.published()
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.run("UPDATE resource SET description = 'new' WHERE id = %(resource)s")
    if opinions:
        guarded.say(OFFICER, "submitted")
    with pytest.raises(REFUSED):
        guarded.flip()


def test_withdrawn_opinions_do_not_publish_the_same_bytes_again(guarded: Guarded) -> None:
    guarded.published()
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.state("withdrawn").say(OFFICER, "withdrawn").state("published")
    with pytest.raises(REFUSED):
        guarded.flip()


def test_withdrawn_bytes_can_be_published_on_new_opinions(guarded: Guarded) -> None:
    guarded.published()
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.state("withdrawn").say(OFFICER, "withdrawn").approve().state("published").flip()
    assert guarded.is_public()


# --- refused: getting at the guard itself -------------------------------------------------------

TAMPERING = {
    "change an opinion": "UPDATE govopen_opinion SET person = 'x'",
    "delete an opinion": "DELETE FROM govopen_opinion",
    "empty the opinions": "TRUNCATE govopen_opinion",
    "empty the reviews": "TRUNCATE govopen_review",
    "disable a trigger": "ALTER TABLE package DISABLE TRIGGER ALL",
    "drop a trigger": "DROP TRIGGER govopen_guard ON package",
    "switch triggers off": "SET session_replication_role = replica",
    "replace a function": "CREATE OR REPLACE FUNCTION govopen_approved(rtype text, rid text)"
    " RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "a function of one's own": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table of one's own": "CREATE TABLE public.mine (a int)",
    "rename a tag": "UPDATE tag SET name = 'x'",
    "stamp the site": "UPDATE govopen_site SET stamp = 'demo'",
    "stamp the site by its function": "SELECT govopen_stamp(stamp) FROM govopen_site",
    "change the register log": "UPDATE govopen_register_log SET actor = 'x'",
    "erase the register log": "DELETE FROM govopen_register_log",
    "erase private parts": "SELECT govopen_erase_private('{1}', 'x', 'x')",
    "move a time of publication": "UPDATE govopen_publication_period SET from_at = now()",
    "drop a time of publication": "DELETE FROM govopen_publication_period",
    "rewrite a unit's past": "UPDATE govopen_org_unit SET name = 'x'",
    "say when a file was scanned": "INSERT INTO govopen_scan (subject, version, verdict, rows, cells,"
    " scanned_at) VALUES ('x', 'x', 'clean', 0, 0, '2199-01-01')",
    "scan earlier": "UPDATE govopen_scan SET scanned_at = '2020-01-01'",
    "back-date a clearance": "INSERT INTO govopen_scan_clearance (case_id, record_id, subject, pattern,"
    " person, act, reason, recorded_at) VALUES (%(case)s, 'x', 'x', 'x', 'x', 'cleared', 'x', now())",
    "say when a leader was told": "INSERT INTO govopen_duty_escalation (duty_id, unit_id, due_at, level,"
    " people, recorded_at) VALUES ('x', 'x', now(), 1, '{}', '2199-01-01')",
    "forget the migrations": "DELETE FROM govopen_alembic_version",
    "set the migrations back": "UPDATE govopen_alembic_version SET version_num = '0001'",
    "forget those of CKAN": "DELETE FROM alembic_version",
    "forget those of the activities": "DELETE FROM activity_alembic_version",
    "become the owner": "SET ROLE govopen_owner",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_the_application_cannot(guarded: Guarded, what: str) -> None:
    guarded.published()
    with pytest.raises(NOT_ALLOWED):
        guarded.run(TAMPERING[what])


@pytest.mark.parametrize("table", ["govopen_review", "govopen_opinion", "package"])
def test_a_temporary_table_of_that_name_changes_nothing(guarded: Guarded, table: str) -> None:
    guarded.draft().state("published")
    guarded.run(f"CREATE TEMPORARY TABLE {table} (LIKE public.{table})")
    guarded.run(
        "INSERT INTO govopen_opinion (seq, case_id, record_type, record_id, content_hash, person,"
        " roles, step, result, recorded_at) VALUES"
        " (1, 'c', 'package', %(package)s, public.govopen_content_hash(%(package)s, 1), 'person-officer', '{}',"
        "  's', 'submitted', now()),"
        " (2, 'c', 'package', %(package)s, public.govopen_content_hash(%(package)s, 1), 'person-approver', '{}',"
        "  's', 'approved', now())"
        if table == "govopen_opinion"
        else "SELECT 1"
    )
    with pytest.raises(REFUSED):
        guarded.run("UPDATE public.package SET private = false WHERE id = %(package)s")


# --- passed -------------------------------------------------------------------------------------


def test_the_opinions_of_two_people_for_that_hash_publish(guarded: Guarded) -> None:
    assert guarded.published().is_public()


def test_the_approved_window_replaces_what_is_public_and_no_reader_sees_the_gap(
    guarded: Guarded, url: str
) -> None:
    guarded.published()
    guarded.connection.commit()
    try:
        guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
        guarded.run("UPDATE resource SET description = 'new' WHERE id = %(resource)s")
        with connected(url) as reading:
            reader = Guarded(reading)
            reader.ids = guarded.ids
            assert reader.is_public()
        guarded.approve().flip()
        guarded.connection.commit()
        assert guarded.is_public()
    finally:
        guarded.remove()


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE package SET metadata_modified = now() WHERE id = %(package)s",
        "UPDATE package SET notes = '' WHERE id = %(package)s",
        "UPDATE resource SET last_modified = now() WHERE id = %(resource)s",
        "UPDATE resource SET extras = '{\"datastore_active\": true}' WHERE id = %(resource)s",
        "UPDATE resource SET description = '' WHERE id = %(resource)s",
    ],
)
def test_what_is_not_content_may_change_on_a_public_package(guarded: Guarded, sql: str) -> None:
    guarded.published().run(sql)
    assert guarded.is_public()


def test_a_withdrawal_passes_and_hides_at_once(guarded: Guarded) -> None:
    guarded.published()
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.state("withdrawn")
    assert not guarded.is_public()


# --- races --------------------------------------------------------------------------------------

EDIT = "UPDATE resource SET description = 'raced' WHERE id = %(resource)s"
FLIP = "UPDATE package SET private = false WHERE id = %(package)s"


@pytest.mark.parametrize("second_isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize(("first", "second"), [(FLIP, EDIT), (EDIT, FLIP)])
def test_of_a_publication_and_an_edit_at_once_the_second_is_refused(
    url: str, first: str, second: str, second_isolation: str
) -> None:
    with connected(url) as left, connected(url) as right:
        one, two = Guarded(left), Guarded(right)
        two.ids = one.ids
        one.draft().approve().state("published")
        left.commit()
        try:
            right.set_session(isolation_level=second_isolation)
            two.run(
                "SELECT 1 FROM package WHERE id = %(package)s"
            )  # its snapshot, before the first
            one.run(first)
            outcome: list[BaseException | None] = []
            waiting = threading.Thread(target=lambda: outcome.append(_try(two, second)))
            waiting.start()
            time.sleep(0.4)  # the second stands at the first one's lock
            left.commit()
            waiting.join(timeout=20)
            assert isinstance(outcome[0], (errors.CheckViolation, errors.SerializationFailure)), (
                outcome
            )
            right.rollback()
            assert one.is_public() == (first == FLIP)
            assert _description(one) == ("raced" if first == EDIT else None)
        finally:
            right.rollback()
            one.remove()


def test_a_publisher_at_repeatable_read_is_refused_even_alone(url: str) -> None:
    with connected(url) as connection:
        connection.set_session(isolation_level="REPEATABLE READ")
        guarded = Guarded(connection)
        guarded.draft().approve().state("published")
        with pytest.raises(REFUSED):
            guarded.flip()


def _try(guarded: Guarded, sql: str) -> BaseException | None:
    try:
        guarded.run(sql)
        guarded.connection.commit()
    except psycopg2.Error as error:
        guarded.connection.rollback()
        return error
    return None


def _description(guarded: Guarded) -> str | None:
    found = guarded.run("SELECT description FROM resource WHERE id = %(resource)s")
    return found[0][0] or None


# --- register versions --------------------------------------------------------------------------


def _version(guarded: Guarded) -> str:
    """A register with one entry in one version, in review; the id of the version."""
    register = guarded.run(
        "INSERT INTO govopen_register (register_type, unit_id, region_code)"
        " VALUES ('data_inventory', gen_random_uuid()::text, '990100') RETURNING id"
    )[0][0]
    version = guarded.run(
        "INSERT INTO govopen_register_version"
        " (register_id, basis, reason, effective_on, created_by)"
        " VALUES (%(register)s, 'b', 'r', '2026-01-01', 'x') RETURNING id",
        register=register,
    )[0][0]
    guarded.run(
        "INSERT INTO govopen_review_case (id, kind, title, unit_ids, profile, created_by)"
        " VALUES (%(case)s, 'inventory', 't', '{u}', 'two_person', 'x')"
    )
    guarded.run(
        "INSERT INTO govopen_review (record_type, record_id, case_id, state)"
        " VALUES ('register_version', %(version)s, %(case)s, 'submitted')",
        version=version,
    )
    return str(version)


PUBLISH_VERSION = "UPDATE govopen_review SET state = 'published' WHERE record_id = %(version)s"


def test_a_register_version_is_not_published_without_two_people(guarded: Guarded) -> None:
    version = _version(guarded)
    with pytest.raises(REFUSED):
        guarded.run(PUBLISH_VERSION, version=version)
