"""The audit log against those who would change it: the application's role, and the superuser.

What a superuser does here happens in a transaction that is rolled back: the log of the stack stays
whole. Verification runs inside that transaction, so it sees what is being tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from configparser import RawConfigParser
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import audit, audit_proof
from ckanext.govopen.model import audit as store

WRITERS, NOTES_EACH = 50, 6


def url_as(data_folder: Path, role: str) -> str:
    """The stack's database as one of its roles."""
    settings = RawConfigParser()
    settings.read(data_folder / "ckan.ini", encoding="utf-8")
    parts = urlsplit(settings["app:main"]["sqlalchemy.url"])
    keys = json.loads((data_folder / "secrets.json").read_text(encoding="utf-8"))
    where = f"{role}:{keys[role]}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=where))


@pytest.fixture
def heads(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(tk.config, "ckanext.govopen.data_path", str(tmp_path))
    return tmp_path / audit_proof.HEADS


@pytest.fixture
def superuser(data_folder: Path, heads: Path) -> Iterator[Session]:
    """A session with all triggers off and some rows to try things on, rolled back at the end."""
    engine = sa.create_engine(url_as(data_folder, "postgres"), poolclass=NullPool)
    with Session(bind=engine) as session:
        for number in range(5):
            audit.note(session, "test.row", f"test:{number}", details={"number": number})
        audit.seal(session)
        audit_proof.keep_head(session)
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield session
        session.rollback()


def last_seq(session: Session) -> int:
    head = store.head(session)
    assert head is not None
    return head[0]


class TestBySuperuser:
    def test_an_untouched_log_holds(self, superuser: Session) -> None:
        answer = audit_proof.verify(superuser)
        assert answer["holds"] is True
        assert answer["heads"] == 1

    @pytest.mark.parametrize(
        "change",
        [
            "reason = 'x'",
            "actor = 'somebody else'",
            "recorded_at = recorded_at + interval '1 microsecond'",
            "details = '{\"number\": 8}'",
            "ip = '192.0.2.9'",
            "after_hash = repeat('0', 64)",
            "hash = repeat('0', 64)",
        ],
    )
    def test_a_changed_row_is_named(self, superuser: Session, change: str) -> None:
        seq = last_seq(superuser) - 2
        statement = f"UPDATE govopen_audit SET {change} WHERE seq = :seq"
        superuser.execute(sa.text(statement), {"seq": seq})
        answer = audit_proof.verify(superuser)
        assert (answer["holds"], answer["first_broken"], answer["problem"]) == (False, seq, "row")

    def test_a_row_taken_out_is_named(self, superuser: Session) -> None:
        seq = last_seq(superuser) - 2
        superuser.execute(sa.text("DELETE FROM govopen_audit WHERE seq = :seq"), {"seq": seq})
        assert audit_proof.verify(superuser)["first_broken"] == seq

    def test_a_row_put_in_with_another_key_is_named(self, superuser: Session) -> None:
        seq = last_seq(superuser)
        superuser.execute(
            sa.text(
                "INSERT INTO govopen_audit (seq, recorded_at, action, object, details, prev_hash,"
                " hash) SELECT seq + 1, recorded_at, action, object, details, hash,"
                " encode(sha256(convert_to(hash, 'UTF8')), 'hex')"
                " FROM govopen_audit WHERE seq = :seq"
            ),
            {"seq": seq},
        )
        assert audit_proof.verify(superuser)["first_broken"] == seq + 1

    def test_a_tail_cut_off_is_found_by_the_head_kept_outside(self, superuser: Session) -> None:
        seq = last_seq(superuser)
        superuser.execute(sa.text("DELETE FROM govopen_audit WHERE seq > :seq"), {"seq": seq - 3})
        answer = audit_proof.verify(superuser)
        assert answer["rows"] == seq - 3
        assert (answer["first_broken"], answer["problem"]) == (seq - 2, "tail")

    def test_a_tail_cut_off_and_written_anew_is_found_too(self, superuser: Session) -> None:
        """Even with the key: what was kept outside says which rows there were."""
        seq = last_seq(superuser)
        superuser.execute(sa.text("DELETE FROM govopen_audit WHERE seq > :seq"), {"seq": seq - 1})
        audit.note(superuser, "test.forged", "test:forged")
        audit.seal(superuser)
        answer = audit_proof.verify(superuser)
        assert (answer["first_broken"], answer["problem"]) == (seq, "head")

    def test_an_empty_log_is_no_way_out(self, superuser: Session) -> None:
        superuser.execute(sa.text("DELETE FROM govopen_audit"))
        answer = audit_proof.verify(superuser)
        assert (answer["rows"], answer["first_broken"], answer["problem"]) == (0, 1, "tail")


class TestByTheApplication:
    @pytest.fixture
    def session(self, data_folder: Path, heads: Path) -> Iterator[Session]:
        engine = sa.create_engine(url_as(data_folder, "govopen_app"), poolclass=NullPool)
        with Session(bind=engine) as made:
            yield made
            made.rollback()

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE govopen_audit SET reason = 'x'",
            "DELETE FROM govopen_audit",
            "TRUNCATE govopen_audit",
            "ALTER TABLE govopen_audit DISABLE TRIGGER ALL",
            "DROP TABLE govopen_audit",
            "UPDATE govopen_audit_note SET reason = 'x'",
            "TRUNCATE govopen_audit_note",
            "SET session_replication_role = replica",
        ],
    )
    def test_its_role_may_not(self, session: Session, statement: str) -> None:
        with pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be owner"):
            session.execute(sa.text(statement))

    def test_the_owner_s_hand_slips_on_the_triggers(self, data_folder: Path, heads: Path) -> None:
        engine = sa.create_engine(url_as(data_folder, "govopen_owner"), poolclass=NullPool)
        for statement in (
            "UPDATE govopen_audit SET reason = 'x'",
            "DELETE FROM govopen_audit",
            "TRUNCATE govopen_audit",
        ):
            with (
                engine.connect() as connection,
                pytest.raises(sa.exc.IntegrityError, match="only grows"),
            ):
                connection.execute(sa.text(statement))

    @pytest.mark.parametrize("prev_hash", ["''", "repeat('0', 64)", "hash", "prev_hash"])
    def test_a_row_beside_the_chain_is_refused(self, session: Session, prev_hash: str) -> None:
        """A second beginning, a row after nothing, a gap, a fork."""
        audit.note(session, "test.row", "test:1")
        audit.seal(session)
        seq = {"hash": "seq + 2", "prev_hash": "seq + 1"}.get(prev_hash, "seq + 1")
        statement = (
            "INSERT INTO govopen_audit (seq, recorded_at, action, object, details, prev_hash, hash)"
            f" SELECT {seq}, recorded_at, action, object, details, {prev_hash}, repeat('a', 64)"
            " FROM govopen_audit ORDER BY seq DESC LIMIT 1"
        )
        with pytest.raises(sa.exc.IntegrityError):
            session.execute(sa.text(statement))

    def test_fifty_writers_at_once_make_one_chain_without_a_fork(
        self, data_folder: Path, heads: Path
    ) -> None:
        engine = sa.create_engine(url_as(data_folder, "govopen_app"), poolclass=NullPool)
        thing = f"test:{uuid4()}"
        together = Barrier(WRITERS)

        def write(number: int) -> None:
            with Session(bind=engine) as session:
                session.execute(sa.text("SELECT 1"))
                together.wait(timeout=60)
                for turn in range(NOTES_EACH):
                    details = {"writer": number, "turn": turn}
                    audit.note(session, "test.race", thing, details=details)
                    if turn % 3 == 2:  # some transactions are given up
                        session.rollback()
                        continue
                    audit.seal(session)
                    session.commit()

        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(write, range(WRITERS)))
        with Session(bind=engine) as session:
            found = store.listing(session, {"object": thing}, None, 10_000)
            kept = {(row["details"]["writer"], row["details"]["turn"]) for row in found}
            wanted = {
                (writer, turn)
                for writer in range(WRITERS)
                for turn in range(NOTES_EACH)
                if turn % 3 != 2
            }
            assert kept == wanted
            assert len(found) == len(wanted)
            assert audit_proof.verify(session)["holds"] is True
