"""A register's chain against a superuser with all triggers off: one changed byte is found.

What the superuser does happens in a transaction that is rolled back; the site's own check and the
public export both run inside it, so that they see what is being tried.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

sys.path.insert(0, str(Path(__file__).parents[1] / "logic" / "action"))
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.register_chain import VERIFIER, chain_lines
from ckanext.govopen.model import registers as log

ENTRIES = 5
ROWS = (1 + 1) + (ENTRIES + 1)  # an entry of the kit and ours, each with its publishing
# The position of each kind of byte that a row has, and how it is changed where it stands.
CHANGED = {
    "public": "set_byte(public, octet_length(public) / 2, get_byte(public, octet_length(public) / 2) # 1)",
    "private": "set_byte(private, 3, get_byte(private, 3) # 1)",
    "salt": "set_byte(salt, 0, get_byte(salt, 0) # 1)",
    "private_hash": "translate(private_hash, '0123456789abcdef', '123456789abcdef0')",
    "prev_hash": "translate(prev_hash, '0123456789abcdef', '123456789abcdef0')",
    "hash": "translate(hash, '0123456789abcdef', '123456789abcdef0')",
}
# What the public export cannot show: private bytes and their salt, of which it has the hash alone.
PUBLIC = ("public", "private_hash", "prev_hash", "hash")


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.add_entries(ENTRIES)
        yield one


@pytest.fixture
def register_id(office: Office) -> str:
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_register_list")({}, {"unit": office.unit_id})["items"]
        return str(found[0]["id"])


@pytest.fixture
def superuser(data_folder: Path) -> Iterator[Session]:
    settings = RawConfigParser()
    settings.read(data_folder / "ckan.ini", encoding="utf-8")
    parts = urlsplit(settings["app:main"]["sqlalchemy.url"])
    keys = json.loads((data_folder / "secrets.json").read_text(encoding="utf-8"))
    where = f"postgres:{keys['postgres']}@{parts.hostname}:{parts.port}"
    engine = sa.create_engine(urlunsplit(parts._replace(netloc=where)), poolclass=NullPool)
    with Session(bind=engine) as session:
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield session
        session.rollback()


def verified(path: Path, session: Session, register_id: str) -> dict[str, Any]:
    """What the stand-alone program says of the public export, and nothing else."""
    path.write_text("".join(chain_lines(session, register_id)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(path), "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def positions(session: Session, register_id: str) -> list[int]:
    return list(
        session.execute(
            sa.text("SELECT position FROM govopen_register_log WHERE register_id = :id ORDER BY 1"),
            {"id": register_id},
        ).scalars()
    )


def entry_at(session: Session, register_id: str, position: int) -> str | None:
    """The entry of a row; None for a publishing."""
    found: str | None = session.execute(
        sa.text(
            "SELECT entry_code FROM govopen_register_log"
            " WHERE register_id = :id AND position = :position"
        ),
        {"id": register_id, "position": position},
    ).scalar_one()
    return found


def test_an_untouched_register_holds_for_the_site_and_for_a_stranger(
    superuser: Session, register_id: str, tmp_path: Path
) -> None:
    assert log.first_broken(superuser, register_id) is None
    said = verified(tmp_path / "chain.jsonl", superuser, register_id)
    assert said["holds"]
    assert said["register"] == register_id
    assert said["rows"] == said["shown"] == ROWS


@pytest.mark.parametrize("column", CHANGED)
def test_one_changed_byte_of_any_row_is_found_at_its_position(
    superuser: Session, register_id: str, tmp_path: Path, column: str
) -> None:
    for position in positions(superuser, register_id):
        if column == "prev_hash" and position == 1:
            continue  # it is empty: there is no byte to change
        change = superuser.begin_nested()
        superuser.execute(
            sa.text(
                f"UPDATE govopen_register_log SET {column} = {CHANGED[column]}"
                " WHERE register_id = :id AND position = :position"
            ),
            {"id": register_id, "position": position},
        )
        found = log.first_broken(superuser, register_id)
        assert found == (position, entry_at(superuser, register_id, position))
        if column in PUBLIC:
            said = verified(tmp_path / "chain.jsonl", superuser, register_id)
            assert (said["holds"], said["position"]) == (False, position)
        change.rollback()


def test_a_row_that_is_gone_is_found(superuser: Session, register_id: str, tmp_path: Path) -> None:
    superuser.execute(
        sa.text("DELETE FROM govopen_register_log WHERE register_id = :id AND position = 2"),
        {"id": register_id},
    )
    assert log.first_broken(superuser, register_id) == (2, None)
    assert verified(tmp_path / "chain.jsonl", superuser, register_id)["position"] == 2


def test_an_erased_private_payload_keeps_the_chain_valid(
    superuser: Session, register_id: str, tmp_path: Path
) -> None:
    erased = superuser.execute(
        sa.text(
            "SELECT govopen_erase_private(array_agg(seq), 'test', 'test')"
            " FROM govopen_register_log WHERE register_id = :id"
        ),
        {"id": register_id},
    ).scalar_one()
    assert erased == ROWS
    assert log.first_broken(superuser, register_id) is None
    assert verified(tmp_path / "chain.jsonl", superuser, register_id)["holds"]


def test_the_file_and_the_program_are_there_for_everyone(
    office: Office, register_id: str, tmp_path: Path
) -> None:
    client = office.application.test_client()
    chain = client.get(f"/registers/{register_id}/chain.jsonl")
    script = client.get("/registers/verify_register.py")
    assert (chain.status_code, script.status_code) == (200, 200)
    assert script.data == VERIFIER.read_bytes()
    (tmp_path / "chain.jsonl").write_bytes(chain.data)
    (tmp_path / "verify.py").write_bytes(script.data)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "verify.py", "chain.jsonl"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stdout.startswith("holds 成立")
    assert client.get("/registers/none/chain.jsonl").status_code == 404


def test_what_is_not_public_stands_in_the_file_by_its_hashes_alone(
    office: Office, register_id: str
) -> None:
    entry = office.entry_codes[0]
    for name in ("未公开的名称", "又一个未公开的名称"):
        office.act("officer", "govopen_data_resource_update", id=entry, name=name)
    with office.application.test_request_context("/"):
        before = "".join(chain_lines(model.Session, register_id))
    assert len(before.splitlines()) == ROWS  # nothing after the last publishing
    office.add_entries(1)
    with office.application.test_request_context("/"):
        lines = "".join(chain_lines(model.Session, register_id)).splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["position"] for row in rows if row["public"] is None] == [ROWS + 1, ROWS + 2]
    assert "未公开" not in "".join(lines)
