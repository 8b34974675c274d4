"""What SQL says of a list on any day, as known at any moment, against an independent replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from random import Random
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
import sqlalchemy as sa
from flask import Flask
from histories import Replay, Said, all_days, history, moments, replayed
from ledger import Ledger
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import ckan.model as model

from ckanext.govopen.domain.registers import changed_fields
from ckanext.govopen.logic import notices, registers
from ckanext.govopen.model import notices as notice_store
from ckanext.govopen.model import spans

SEEDS = range(5)


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    yield model.Session
    model.Session.rollback()


def plain(said: Said) -> dict[str, object]:
    return {name: value for name, value in said.fields.items() if value}


def told(replay: Replay, day: object) -> dict[str, dict[str, object]]:
    return {code: plain(said) for code, said in replay.on(day).items()}  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_list_of_any_day_and_moment_is_that_of_a_replay(session: Session, seed: int) -> None:
    versions, ledger = history(seed), Ledger(session)
    for version in versions:
        ledger.tell(version)
    draw = Random(seed)  # noqa: S311 - a sample, no secret
    days = list(all_days())
    for known_at in (*moments(versions), None):
        replay = replayed(versions, known_at)
        for day in draw.sample(days, 12):
            wanted = spans.Wanted(day, known_at)
            rows = spans.page(session, ledger.id, wanted)
            assert ledger.plain(rows) == told(replay, day), (seed, day, known_at)
            assert spans.count(session, ledger.id, wanted) == len(rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_comparison_of_two_days_is_the_difference_of_both_lists(
    session: Session, seed: int
) -> None:
    versions, ledger = history(seed), Ledger(session)
    for version in versions:
        ledger.tell(version)
    draw = Random(seed)  # noqa: S311 - a sample, no secret
    days = list(all_days())
    for known_at in (None, versions[len(versions) // 2].published_at):
        replay = replayed(versions, known_at)
        for _ in range(15):
            start, end = draw.choice(days), draw.choice(days)
            old, new = told(replay, start), told(replay, end)
            found = spans.differences(session, ledger.id, spans.Between(start, end, known_at))
            ours = {str(row["entry_code"])[:4]: row for row in found}
            assert {code for code, row in ours.items() if not row["was_in_force"]} == (
                new.keys() - old.keys()
            )
            assert {code for code, row in ours.items() if not row["is_in_force"]} == (
                old.keys() - new.keys()
            )
            changed = {c for c in old.keys() & new.keys() if changed_fields(old[c], new[c])}
            assert changed <= ours.keys()
            for code in changed:
                assert (ours[code]["old"], ours[code]["new"]) == (old[code], new[code])


@pytest.mark.parametrize("seed", SEEDS)
def test_a_notice_is_the_difference_that_its_version_made(session: Session, seed: int) -> None:
    versions, ledger = history(seed), Ledger(session)
    for version in versions:
        ledger.tell(version)
    for place, version in enumerate(versions):
        stored = notice_store.version(session, ledger.id, version.number)
        assert stored is not None
        found = notices.table(notice_store.said(session, str(stored["id"])))
        rows = {row.entry_code[:4]: row for row in (*found.rows, *found.corrections)}
        assert rows.keys() == version.entries.keys()
        for code, said in version.entries.items():
            day = said.effective_on
            old = told(replayed(versions[:place]), day).get(code)
            new = told(replayed(versions[: place + 1]), day).get(code)
            names = changed_fields(old, new) if old is not None and new is not None else ()
            assert set(rows[code].changed) == set(names)
        assert {row.entry_code[:4] for row in found.corrections} == {
            code for code, said in version.entries.items() if said.change == "correct"
        }


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_written_version_by_version_is_what_the_log_says_anew(
    session: Session, seed: int
) -> None:
    ledger = Ledger(session)
    for version in history(seed):
        ledger.tell(version)
    before = spans.mark(session, ledger.id)
    spans.rebuild(session, ledger.id)
    assert spans.mark(session, ledger.id) == before


def test_a_correction_counts_from_no_other_day_than_that_of_the_version_it_mends(
    session: Session,
) -> None:
    ledger, versions = Ledger(session), history(1)
    ledger.tell(versions[0])
    code = next(iter(versions[0].entries))
    wrong = versions[1].__class__(
        2,
        versions[1].published_at,
        versions[1].effective_on,
        None,
        {code: Said("correct", "in_force", versions[1].effective_on, {"name": "x"}, 7)},
    )
    staged = ledger.stage(wrong)
    ledger.approve(staged)
    with pytest.raises(sa.exc.IntegrityError, match="another day"):
        ledger.publish(staged, wrong.published_at)


# --- those who would change what is written ------------------------------------------------------


REFUSED = {
    "a span": "UPDATE govopen_register_span SET valid_to = '2030-01-01'",
    "a new span": "INSERT INTO govopen_register_span (register_id, entry_code, log_seq, version_id,"
    " number, change, status, valid_from, recorded_from) SELECT register_id, 'x', log_seq,"
    " version_id, number, change, status, valid_from, recorded_from FROM govopen_register_span",
    "an entry in force": "UPDATE govopen_register_entry SET name = 'x'",
    "a code": "DELETE FROM govopen_register_code",
    "a link": "DELETE FROM govopen_register_link",
    "a row of the log": "UPDATE govopen_register_log SET public = 'x'",
    "spans of a version of one's own": "SELECT govopen_write_spans(id) FROM"
    " govopen_register_version LIMIT 1",
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_application_cannot_write_what_a_list_says(session: Session, what: str) -> None:
    ledger = Ledger(session)
    ledger.tell(history(2)[0])
    with pytest.raises(sa.exc.DBAPIError):
        session.execute(sa.text(REFUSED[what]))


def test_a_code_is_not_given_twice_in_a_type_and_region(session: Session) -> None:
    first, second = Ledger(session), Ledger(session)
    first.tell(history(3)[0])
    second.unit = first.unit
    with pytest.raises(psycopg2.errors.UniqueViolation, match="is taken"):
        second.stage(history(3)[0])


def superuser_url(data_folder: Path) -> str:
    settings = RawConfigParser()
    settings.read(data_folder / "ckan.ini", encoding="utf-8")
    parts = urlsplit(settings["app:main"]["sqlalchemy.url"])
    keys = json.loads((data_folder / "secrets.json").read_text(encoding="utf-8"))
    where = f"postgres:{keys['postgres']}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=where))


@pytest.fixture
def superuser(data_folder: Path, app: Flask) -> Iterator[Session]:
    """A session of the superuser, its triggers off once a list is written; rolled back."""
    engine = sa.create_engine(superuser_url(data_folder), poolclass=NullPool)
    with Session(bind=engine) as one:
        yield one
        one.rollback()


def filled(one: Session) -> Ledger:
    ledger = Ledger(one)
    for version in history(4, length=6):
        ledger.tell(version)
    one.execute(sa.text("SET LOCAL session_replication_role = replica"))
    return ledger


TAMPERED = {
    "public": "UPDATE govopen_register_log SET public = set_byte(public, 40, get_byte(public, 40)"
    " # 1) WHERE register_id = :id AND position = :position",
    "private": "UPDATE govopen_register_log SET private = set_byte(private, 2, get_byte(private, 2)"
    " # 1) WHERE register_id = :id AND position = :position",
    "private hash": "UPDATE govopen_register_log SET private_hash = repeat('0', 64)"
    " WHERE register_id = :id AND position = :position",
    "hash": "UPDATE govopen_register_log SET hash = repeat('0', 64)"
    " WHERE register_id = :id AND position = :position",
    "gone": "DELETE FROM govopen_register_log WHERE register_id = :id AND position = :position",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_one_changed_byte_is_named_with_its_register_and_entry(
    superuser: Session, what: str
) -> None:
    ledger = filled(superuser)
    position, code = superuser.execute(
        sa.text(
            "SELECT position, entry_code FROM govopen_register_log WHERE register_id = :id"
            " AND kind = 'entry' ORDER BY position DESC OFFSET 2 LIMIT 1"
        ),
        {"id": ledger.id},
    ).one()
    assert registers.verify(superuser, ledger.id).holds
    superuser.execute(sa.text(TAMPERED[what]), {"id": ledger.id, "position": position})
    found = registers.verify(superuser, ledger.id)
    assert not found.holds
    assert found.position == position
    if what != "gone":
        assert found.entry_code == code


def test_a_list_that_says_otherwise_than_its_log_does_not_hold(superuser: Session) -> None:
    ledger = filled(superuser)
    superuser.execute(
        sa.text("UPDATE govopen_register_span SET name = 'x' WHERE register_id = :id"),
        {"id": ledger.id},
    )
    found = registers.verify(superuser, ledger.id)
    assert (found.holds, found.position) == (False, None)
    assert found.entry_code


def test_erasing_a_private_part_leaves_the_chain_whole(superuser: Session) -> None:
    ledger = filled(superuser)
    superuser.execute(sa.text("SET LOCAL session_replication_role = origin"))
    superuser.execute(
        sa.text(
            "SELECT govopen_erase_private(array_agg(seq), 'owner', 'PIPL 47')"
            " FROM govopen_register_log WHERE register_id = :id AND kind = 'entry'"
        ),
        {"id": ledger.id},
    )
    assert registers.verify(superuser, ledger.id).holds


def test_a_process_that_dies_before_its_commit_leaves_neither_rows_nor_spans(
    session: Session, data_folder: Path
) -> None:
    engine = sa.create_engine(superuser_url(data_folder), poolclass=NullPool)
    with Session(bind=engine) as dying:
        ledger = Ledger(dying)
        ledger.tell(history(5)[0])
        backend = dying.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
        assert dying.execute(sa.text(ROWS), {"id": ledger.id}).one().spans > 0
        with Session(bind=engine) as killer:
            killer.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
        with pytest.raises(sa.exc.DBAPIError):
            dying.commit()
    assert tuple(session.execute(sa.text(ROWS), {"id": ledger.id}).one()) == (0, 0, 0)


ROWS = (
    "SELECT (SELECT count(*) FROM govopen_register_log WHERE register_id = :id) AS rows,"
    " (SELECT count(*) FROM govopen_register_span WHERE register_id = :id) AS spans,"
    " (SELECT count(*) FROM govopen_register_entry WHERE register_id = :id) AS entries"
)
