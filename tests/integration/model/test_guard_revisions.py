"""The guard over revisions, refresh rules and the history, by direct SQL as the application's role."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from psycopg2 import errors

sys.path.insert(0, str(Path(__file__).parent))
from guard_kit import APPROVER, OFFICER, Guarded, application_url, connected
from results import keep, machine

REFUSED = (errors.CheckViolation,)
NOT_ALLOWED = (errors.InsufficientPrivilege, errors.CheckViolation)
LEAVES_TIME = 20
ROUNDS, LONG_ROUNDS = 3, 500


@pytest.fixture(scope="module")
def url(data_folder: Path) -> str:
    return application_url(data_folder)


@pytest.fixture
def guarded(url: str) -> Iterator[Guarded]:
    with connected(url) as connection:
        yield Guarded(connection)


def revision(guarded: Guarded, title: str = "other") -> str:
    """A draft revision of the dataset with another title; the dataset stays as it is."""
    return str(
        guarded.run(
            """
            WITH made AS (INSERT INTO govopen_pending_revision
                (package_id, base_hash, content, changes, note, created_by)
              SELECT %(package)s, govopen_content_hash(%(package)s, 1),
                jsonb_set(govopen_content(%(package)s, 1), '{1,title}', to_jsonb(%(title)s::text)),
                '{}', 'n', %(officer)s RETURNING id)
            INSERT INTO govopen_review (record_type, record_id, case_id)
              SELECT 'revision', id, %(case)s FROM made RETURNING record_id
            """,
            title=title,
            officer=OFFICER,
        )[0][0]
    )


def move(guarded: Guarded, record: str, state: str) -> None:
    guarded.run(
        "UPDATE govopen_review SET state = %(state)s WHERE record_id = %(record)s",
        state=state,
        record=record,
    )


def say_of(guarded: Guarded, record: str, person: str, result: str) -> None:
    """An opinion about a revision, for the dataset with its new content."""
    guarded.run(
        """
        INSERT INTO govopen_opinion
          (case_id, record_type, record_id, content_hash, person, roles, step, result)
        SELECT %(case)s, 'package', package_id, content_hash, %(person)s, '{}', 's', %(result)s
        FROM govopen_pending_revision WHERE id = %(record)s
        """,
        record=record,
        person=person,
        result=result,
    )


def apply(guarded: Guarded, record: str) -> None:
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.run(
        "SELECT govopen_put_content(package_id, content) FROM govopen_pending_revision"
        " WHERE id = %(record)s",
        record=record,
    )
    guarded.flip()


# --- revisions -----------------------------------------------------------------------------------


def test_an_approved_revision_replaces_what_is_public(guarded: Guarded) -> None:
    guarded.published()
    record = revision(guarded)
    say_of(guarded, record, OFFICER, "submitted")
    say_of(guarded, record, APPROVER, "approved")
    apply(guarded, record)
    assert guarded.is_public()
    assert guarded.run("SELECT title FROM package WHERE id = %(package)s") == [("other",)]
    assert guarded.run(
        "SELECT number, content_hash = govopen_content_hash(package_id, 1)"
        " FROM govopen_published_version WHERE package_id = %(package)s ORDER BY 1"
    ) == [(1, False), (2, True)]


def _without(said: list[tuple[str, str]]) -> Callable[[Guarded], None]:
    def act(guarded: Guarded) -> None:
        record = revision(guarded)
        for person, result in said:
            say_of(guarded, record, person, result)
        apply(guarded, record)

    return act


UNAPPROVED = {
    "nobody said anything": _without([]),
    "one person said everything": _without([(OFFICER, "submitted"), (OFFICER, "approved")]),
    "it was returned": _without(
        [(OFFICER, "submitted"), (APPROVER, "approved"), (APPROVER, "returned")]
    ),
    "it was withdrawn before it was applied": _without(
        [(OFFICER, "submitted"), (APPROVER, "approved"), (APPROVER, "withdrawn")]
    ),
}


@pytest.mark.parametrize("why", UNAPPROVED)
def test_a_revision_is_not_applied_when(guarded: Guarded, why: str) -> None:
    guarded.published()
    with pytest.raises(REFUSED):
        UNAPPROVED[why](guarded)


def test_hiding_the_dataset_takes_the_approval_of_a_waiting_revision_along(
    guarded: Guarded,
) -> None:
    guarded.published()
    record = revision(guarded)
    say_of(guarded, record, OFFICER, "submitted")
    say_of(guarded, record, APPROVER, "approved")
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.say(APPROVER, "hidden")
    with pytest.raises(REFUSED):
        apply(guarded, record)


def test_a_publication_before_its_time_is_refused(guarded: Guarded) -> None:
    guarded.draft().say(OFFICER, "submitted", not_before="1 hour")
    guarded.say(APPROVER, "approved").state("published")
    with pytest.raises(REFUSED):
        guarded.flip()


CHANGES = {
    "content": "UPDATE govopen_pending_revision SET content = '[1, {}]' WHERE id = %(record)s",
    "note": "UPDATE govopen_pending_revision SET note = 'x' WHERE id = %(record)s",
    "a new file": "INSERT INTO govopen_revision_file"
    " (revision_id, resource_id, sha256, size, filename, media_type, actor)"
    " VALUES (%(record)s, 'new', repeat('c', 64), 1, 'c.csv', 'text/csv', 'x')",
    "other bytes": "UPDATE govopen_revision_file SET sha256 = repeat('d', 64)"
    " WHERE revision_id = %(record)s",
    "no file": "DELETE FROM govopen_revision_file WHERE revision_id = %(record)s",
}


@pytest.mark.parametrize("state", ["submitted", "approved", "embargoed", "published", "deleted"])
@pytest.mark.parametrize("what", CHANGES)
def test_what_left_the_hands_of_its_unit_is_frozen(guarded: Guarded, state: str, what: str) -> None:
    guarded.published()
    record = revision(guarded)
    guarded.run(CHANGES["a new file"], record=record)
    move(guarded, record, state)
    sql = CHANGES[what].replace("'new'", "'newer'")
    with pytest.raises(REFUSED):
        guarded.run(sql, record=record)


@pytest.mark.parametrize("state", ["draft", "returned"])
def test_what_waits_can_be_worked_on_and_its_hash_follows(guarded: Guarded, state: str) -> None:
    guarded.published()
    record = revision(guarded)
    move(guarded, record, state)
    for sql in CHANGES.values():
        guarded.run(sql, record=record)
    assert guarded.run(
        "SELECT content_hash = govopen_hash('[1, {}]') FROM govopen_pending_revision"
        " WHERE id = %(record)s",
        record=record,
    ) == [(True,)]


# --- refresh rules -------------------------------------------------------------------------------


def sum_of(guarded: Guarded) -> str:
    """The digest of new bytes that nobody else has."""
    return guarded.ids.package.replace("-", "") * 2


def rule(guarded: Guarded, *, package: str | None = None, last: str = "60 days") -> str:
    return str(
        guarded.run(
            """
            WITH made AS (INSERT INTO govopen_refresh_rule
                (package_id, schema, source, row_change_bound, expires_on, created_by)
              VALUES (coalesce(%(other)s, %(package)s), '{}', '{}', 0.5,
                (govopen_today() + %(last)s::interval)::date, 'x') RETURNING id)
            INSERT INTO govopen_review (record_type, record_id, case_id, state)
              SELECT 'refresh_rule', id, %(case)s, 'published' FROM made RETURNING record_id
            """,
            other=package,
            last=last,
        )[0][0]
    )


def sign(guarded: Guarded, rule_id: str, *people: str) -> None:
    for person, result in zip(people, ("submitted", "approved"), strict=False):
        guarded.run(
            """
            INSERT INTO govopen_opinion
              (case_id, record_type, record_id, content_hash, person, roles, step, result)
            VALUES (%(case)s, 'refresh_rule', %(rule)s, govopen_rule_hash(%(rule)s, 1), %(person)s,
              '{}', 's', %(result)s)
            """,
            rule=rule_id,
            person=person,
            result=result,
        )


def scanned(guarded: Guarded, verdict: str = "clean") -> None:
    guarded.run(
        "INSERT INTO govopen_scan (subject, version, verdict, rows, cells)"
        " VALUES (%(sum)s, gen_random_uuid()::text, %(verdict)s, 1, 1)",
        sum=sum_of(guarded),
        verdict=verdict,
    )


def refresh(guarded: Guarded, rule_id: str) -> None:
    """New bytes of the file, said by an officer and the system, in the window."""
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.run(
        "UPDATE govopen_file SET sha256 = %(sum)s, size = 2 WHERE resource_id = %(resource)s",
        sum=sum_of(guarded),
    )
    guarded.run(
        "UPDATE resource SET hash = %(sum)s, size = 2 WHERE id = %(resource)s", sum=sum_of(guarded)
    )
    guarded.say(OFFICER, "submitted")
    approve_by(guarded, rule_id)


def approve_by(guarded: Guarded, rule_id: str | None, person: str = "system") -> None:
    guarded.run(
        """
        INSERT INTO govopen_opinion (case_id, record_type, record_id, content_hash, person, roles,
          step, result, refresh_rule)
        VALUES (%(case)s, 'package', %(package)s, govopen_content_hash(%(package)s, 1), %(person)s,
          '{}', 'refresh', 'approved', %(rule)s)
        """,
        rule=rule_id,
        person=person,
    )


def signed(guarded: Guarded) -> str:
    rule_id = rule(guarded)
    sign(guarded, rule_id, OFFICER, APPROVER)
    return rule_id


def test_a_refresh_inside_a_rule_of_two_people_is_public(guarded: Guarded) -> None:
    guarded.published()
    rule_id = signed(guarded)
    scanned(guarded)
    refresh(guarded, rule_id)
    guarded.flip()
    assert guarded.is_public()
    assert guarded.run(
        "SELECT refresh_rule FROM govopen_published_version WHERE package_id = %(package)s"
        " ORDER BY number DESC LIMIT 1"
    ) == [(rule_id,)]


def test_a_rule_that_ends_later_does_not_void_what_it_published(guarded: Guarded) -> None:
    guarded.published()
    rule_id = signed(guarded)
    scanned(guarded)
    refresh(guarded, rule_id)
    guarded.flip()
    guarded.connection.commit()
    try:
        time.sleep(0.01)
        revoke(guarded, rule_id)
        guarded.run("UPDATE package SET metadata_modified = now() WHERE id = %(package)s")
        assert guarded.run("SELECT govopen_approved('package', %(package)s)") == [(True,)]
    finally:
        guarded.remove()


def revoke(guarded: Guarded, rule_id: str) -> None:
    guarded.run(
        "INSERT INTO govopen_refresh_revocation (rule_id, reason, person)"
        " VALUES (%(rule)s, 'x', 'x')",
        rule=rule_id,
    )


def _unsigned(guarded: Guarded) -> str:
    return rule(guarded)


def _by_one(guarded: Guarded) -> str:
    rule_id = rule(guarded)
    sign(guarded, rule_id, OFFICER, OFFICER)
    return rule_id


def _expired(guarded: Guarded) -> str:
    rule_id = rule(guarded, last="-1 day")
    sign(guarded, rule_id, OFFICER, APPROVER)
    return rule_id


def _of_another(guarded: Guarded) -> str:
    rule_id = rule(guarded, package=str(uuid4()))
    sign(guarded, rule_id, OFFICER, APPROVER)
    return rule_id


def _revoked(guarded: Guarded) -> str:
    rule_id = signed(guarded)
    revoke(guarded, rule_id)
    return rule_id


def _draft(guarded: Guarded) -> str:
    rule_id = signed(guarded)
    move(guarded, rule_id, "submitted")
    return rule_id


RULES = {
    "nobody signed": _unsigned,
    "one person signed": _by_one,
    "has ended": _expired,
    "belongs to another dataset": _of_another,
    "was revoked": _revoked,
    "is still under review": _draft,
}


@pytest.mark.parametrize("which", RULES)
def test_a_refresh_is_refused_under_a_rule_that(guarded: Guarded, which: str) -> None:
    guarded.published()
    rule_id = RULES[which](guarded)
    scanned(guarded)
    refresh(guarded, rule_id)
    with pytest.raises(REFUSED):
        guarded.flip()


@pytest.mark.parametrize("verdict", [None, "med", "high", "critical"])
def test_a_refresh_whose_file_is_not_scanned_clean_is_refused(
    guarded: Guarded, verdict: str | None
) -> None:
    guarded.published()
    rule_id = signed(guarded)
    if verdict:
        scanned(guarded, verdict)
    refresh(guarded, rule_id)
    with pytest.raises(REFUSED):
        guarded.flip()


MORE = {
    "title": "UPDATE package SET title = 'x' WHERE id = %(package)s",
    "a link": "UPDATE resource SET url = 'https://x.example/' WHERE id = %(second)s",
    "a name": "UPDATE resource SET name = 'x' WHERE id = %(resource)s",
    "a file's name": "UPDATE govopen_file SET filename = 'x.csv' WHERE resource_id = %(resource)s",
    "a resource less": "UPDATE resource SET state = 'deleted' WHERE id = %(second)s",
    "the order": "UPDATE resource SET position = 1 - position WHERE package_id = %(package)s",
    "a tag less": "UPDATE package_tag SET state = 'deleted' WHERE id = %(tag)s",
    "a view": "UPDATE resource_view SET title = 'x' WHERE id = %(view)s",
}


@pytest.mark.parametrize("what", MORE)
def test_under_a_rule_nothing_but_bytes_changes(guarded: Guarded, what: str) -> None:
    guarded.published()
    rule_id = signed(guarded)
    scanned(guarded)
    guarded.run("UPDATE package SET private = true WHERE id = %(package)s")
    guarded.run(MORE[what])
    refresh(guarded, rule_id)
    with pytest.raises(REFUSED):
        guarded.flip()


def test_a_first_version_is_never_the_systems(guarded: Guarded) -> None:
    guarded.draft()
    rule_id = signed(guarded)
    scanned(guarded)
    refresh(guarded, rule_id)
    guarded.state("published")
    with pytest.raises(REFUSED):
        guarded.flip()


@pytest.mark.parametrize(("person", "has_rule"), [("system", False), (APPROVER, True)])
def test_the_system_names_a_rule_and_nobody_else_does(
    guarded: Guarded, person: str, has_rule: bool
) -> None:
    guarded.published()
    rule_id = signed(guarded) if has_rule else None
    with pytest.raises(REFUSED):
        approve_by(guarded, rule_id, person)


# --- getting at the tables -----------------------------------------------------------------------

TAMPERING = {
    "write history": "INSERT INTO govopen_published_version (package_id, number, content,"
    " content_hash, frame_hash, data_on) VALUES ('x', 1, '[]', 'x', 'x', '2026-01-01')",
    "write history by its function": "SELECT govopen_note_publication(%(package)s)",
    "change history": "UPDATE govopen_published_version SET content_hash = 'x'",
    "drop history": "DELETE FROM govopen_published_version",
    "widen a rule": "UPDATE govopen_refresh_rule SET row_change_bound = 1",
    "prolong a rule": "UPDATE govopen_refresh_rule SET expires_on = expires_on + 1",
    "drop a rule": "DELETE FROM govopen_refresh_rule",
    "unrevoke": "DELETE FROM govopen_refresh_revocation",
    "revoke later": "UPDATE govopen_refresh_revocation SET recorded_at = now()",
    "back-date a rule": "INSERT INTO govopen_refresh_rule (package_id, schema, source,"
    " row_change_bound, expires_on, created_by, created_at)"
    " VALUES ('x', '{}', '{}', 0, '2020-01-01', 'x', '2019-12-01')",
    "back-date an opinion": "INSERT INTO govopen_opinion (case_id, record_type, record_id,"
    " content_hash, person, roles, step, result, recorded_at)"
    " VALUES (%(case)s, 'package', %(package)s, 'x', 'x', '{}', 's', 'approved', '2020-01-01')",
    "a rule for ever": "INSERT INTO govopen_refresh_rule (package_id, schema, source,"
    " row_change_bound, expires_on, created_by) VALUES ('x', '{}', '{}', 0, '2199-01-01', 'x')",
    "drop a revision": "DELETE FROM govopen_pending_revision",
    "name a hash": "UPDATE govopen_pending_revision SET content_hash = 'x'",
    "be another author": "UPDATE govopen_pending_revision SET created_by = 'x'",
    "move a revision": "UPDATE govopen_pending_revision SET package_id = 'x'",
    "replace a function": "CREATE OR REPLACE FUNCTION govopen_refresh_fits(a text, b text, c text,"
    " d text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_the_application_cannot(guarded: Guarded, what: str) -> None:
    guarded.published()
    revision(guarded)
    with pytest.raises(NOT_ALLOWED):
        guarded.run(TAMPERING[what])


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE package SET state = 'active', private = false WHERE id = %(package)s",
        "UPDATE package SET private = false WHERE id = %(package)s",
    ],
)
def test_what_was_deleted_does_not_come_back_public(guarded: Guarded, sql: str) -> None:
    guarded.draft()
    guarded.run("UPDATE package SET state = 'deleted' WHERE id = %(package)s")
    guarded.say(OFFICER, "submitted").state("published")
    with pytest.raises(REFUSED):
        guarded.run(sql)


# --- races ---------------------------------------------------------------------------------------

RACES = {
    "publication, edit": ("flip", "edit"),
    "edit, publication": ("edit", "flip"),
    "publication of a revision, edit": ("revise", "edit"),
    "edit, publication of a revision": ("edit", "revise"),
    "publication of a revision, tag": ("revise", "untag"),
    "submission of a revision, its edit": ("submit", "rewrite"),
    "edit of a revision, its submission": ("rewrite", "submit"),
    "submission of a revision, a new file": ("submit", "add_file"),
    "a new file, submission of the revision": ("add_file", "submit"),
}


class Race:
    """One dataset and its revision, and two transactions of which the second finds the first."""

    def __init__(self, one: Guarded, *, is_public: bool) -> None:
        self.one = one.published() if is_public else one.draft().approve().state("published")
        self.record = revision(one)
        say_of(one, self.record, OFFICER, "submitted")
        say_of(one, self.record, APPROVER, "approved")
        one.connection.commit()

    def act(self, what: str, guarded: Guarded) -> None:
        if what == "flip":
            guarded.flip()
        elif what == "revise":
            apply(guarded, self.record)
        elif what == "edit":
            guarded.run("UPDATE resource SET description = 'raced' WHERE id = %(resource)s")
        elif what == "untag":
            guarded.run("UPDATE package_tag SET state = 'deleted' WHERE id = %(tag)s")
        elif what == "submit":
            move(guarded, self.record, "submitted")
            say_of(guarded, self.record, OFFICER, "submitted")
        else:
            sql = CHANGES["content" if what == "rewrite" else "a new file"]
            guarded.run(sql, record=self.record)


def run_race(url: str, first: str, second: str, isolation: str) -> bool:
    """Runs one race; true when the second was refused."""
    with connected(url) as left, connected(url) as right:
        one, two = Guarded(left), Guarded(right)
        two.ids = one.ids
        race = Race(one, is_public="revise" in (first, second) or "submit" in (first, second))
        try:
            right.set_session(isolation_level=isolation)
            two.run("SELECT 1 FROM package WHERE id = %(package)s")  # its snapshot is older
            left_error = attempt(one, race, first)
            outcome: list[BaseException | None] = []
            waiting = threading.Thread(target=lambda: outcome.append(finish(two, race, second)))
            waiting.start()
            wait_for(url, right.info.backend_pid, waiting)
            left.commit() if left_error is None else left.rollback()
            waiting.join(timeout=LEAVES_TIME)
            assert not waiting.is_alive()
            right.rollback()
            assert_sound(one, race)
            if left_error is None and "submit" not in (first, second):
                assert outcome[0] is not None, (first, second)
            return outcome[0] is not None
        finally:
            right.rollback()
            tidy(one, race)


def attempt(guarded: Guarded, race: Race, what: str) -> BaseException | None:
    try:
        race.act(what, guarded)
    except psycopg2.Error as error:
        guarded.connection.rollback()
        return error
    return None


def finish(guarded: Guarded, race: Race, what: str) -> BaseException | None:
    error = attempt(guarded, race, what)
    if error is None:
        try:
            guarded.connection.commit()
        except psycopg2.Error as late:
            return late
    return error


def wait_for(url: str, pid: int, thread: threading.Thread) -> None:
    """Until the second stands at a lock of the first, or has ended."""
    with connected(url) as watching:
        watching.autocommit = True
        cursor = watching.cursor()
        until = time.monotonic() + LEAVES_TIME
        while thread.is_alive() and time.monotonic() < until:
            cursor.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", [pid])
            if cursor.fetchone() == ("Lock",):
                return
            time.sleep(0.002)


def assert_sound(guarded: Guarded, race: Race) -> None:
    """What is public is approved, and what was submitted is what the officer spoke of."""
    if guarded.is_public():
        assert guarded.run("SELECT govopen_approved('package', %(package)s)") == [(True,)]
        assert guarded.run("SELECT description FROM resource WHERE id = %(resource)s")[0][0] is None
    frozen = guarded.run(
        "SELECT v.content_hash FROM govopen_pending_revision v JOIN govopen_review r"
        " ON r.record_id = v.id WHERE v.id = %(record)s AND r.state = 'submitted'",
        record=race.record,
    )
    if frozen:
        said = guarded.run(
            "SELECT content_hash FROM govopen_opinion WHERE record_id = %(package)s"
            " AND result = 'submitted' ORDER BY seq DESC LIMIT 1"
        )
        assert frozen == said


def tidy(guarded: Guarded, race: Race) -> None:
    guarded.connection.rollback()
    move(guarded, race.record, "draft")
    guarded.run("DELETE FROM govopen_revision_file WHERE revision_id = %(r)s", r=race.record)
    guarded.connection.commit()
    guarded.remove()


@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize("which", RACES)
def test_of_two_at_once_nothing_unreviewed_comes_out(url: str, which: str, isolation: str) -> None:
    for _ in range(ROUNDS):
        run_race(url, *RACES[which], isolation)


@pytest.mark.long
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
@pytest.mark.parametrize("which", RACES)
def test_of_two_at_once_nothing_comes_out_five_hundred_times(
    url: str, which: str, isolation: str
) -> None:
    begun = time.monotonic()
    refused = sum(run_race(url, *RACES[which], isolation) for _ in range(LONG_ROUNDS))
    keep(
        "races",
        f"{which} ({isolation})",
        {
            "rounds": LONG_ROUNDS,
            "second refused": refused,
            "unreviewed and public": 0,
            "seconds": round(time.monotonic() - begun),
            "machine": machine(),
        },
    )
