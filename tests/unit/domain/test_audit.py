"""The audit log's rules: what a row binds, and that the first wrong row is the one named."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from ckanext.govopen.domain import audit as rules

KEY = b"k" * 32
START = datetime(2026, 11, 29, 8, 0, tzinfo=timezone.utc)


def entry(number: int) -> rules.Entry:
    return rules.Entry(
        recorded_at=START + timedelta(seconds=number),
        actor="user-1",
        role="leader",
        ip="192.0.2.7",
        action="opinion.approved",
        object=f"package:{number}",
        after_hash=sha256(str(number).encode()).hexdigest(),
        reason="同意公开",
        details={"case_id": "c1", "records": 3, "steps": ["leader_approval"], "first": True},
    )


def chain(length: int, key: bytes = KEY) -> list[rules.Row]:
    rows: list[rules.Row] = []
    head = rules.GENESIS
    for seq in range(1, length + 1):
        rows.append(rules.seal(key, seq, head, entry(seq)))
        head = rows[-1].hash
    return rows


def test_an_untouched_chain_holds() -> None:
    assert rules.first_broken(KEY, chain(20)) is None
    assert rules.first_broken(KEY, []) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recorded_at", START),
        ("actor", None),
        ("role", "reviewer"),
        ("ip", "192.0.2.8"),
        ("action", "opinion.pass"),
        ("object", "package:0"),
        ("before_hash", "0" * 64),
        ("after_hash", "0" * 64),
        ("reason", "同意公開"),
        ("details", {"case_id": "c2"}),
    ],
)
def test_any_changed_field_breaks_its_row(name: str, value: object) -> None:
    rows = chain(9)
    rows[4] = replace(rows[4], entry=replace(rows[4].entry, **{name: value}))
    assert rules.first_broken(KEY, rows) == 5


def test_a_row_left_out_is_named() -> None:
    rows = chain(9)
    assert rules.first_broken(KEY, rows[:3] + rows[4:]) == 4
    assert rules.first_broken(KEY, rows[1:]) == 1


def test_two_rows_that_changed_places_are_found() -> None:
    rows = chain(9)
    rows[2], rows[3] = rows[3], rows[2]
    assert rules.first_broken(KEY, rows) == 3


def test_a_chain_rewritten_without_the_key_does_not_hold() -> None:
    assert rules.first_broken(KEY, chain(9, key=b"x" * 32)) == 1


def test_a_part_of_the_chain_is_checked_after_the_row_before_it() -> None:
    rows = chain(9)
    before = rules.Head(rows[4].seq, rows[4].hash)
    assert rules.first_broken(KEY, rows[5:], before) is None
    assert rules.first_broken(KEY, rows[6:], before) == 6


def test_the_moment_is_bound_as_an_instant_whatever_its_zone() -> None:
    zoned = replace(entry(1), recorded_at=entry(1).recorded_at.astimezone())
    assert rules.content(1, zoned) == rules.content(1, entry(1))


def test_a_commitment_is_proved_with_its_salt_and_says_nothing_without() -> None:
    first, second = chain(2)
    salt, shown = rules.commitment(KEY, first)
    assert sha256(bytes.fromhex(salt) + rules.content(1, first.entry)).hexdigest() == shown
    assert sha256(rules.content(1, first.entry)).hexdigest() != shown
    assert rules.commitment(KEY, second)[0] != salt
    assert rules.commitment(b"x" * 32, first)[1] != shown


def test_a_typed_name_is_recognised_again_and_not_kept() -> None:
    assert rules.name_digest(KEY, " Officer ") == rules.name_digest(KEY, "officer")
    assert rules.name_digest(KEY, "officer") != rules.name_digest(KEY, "officer2")
    assert "officer" not in rules.name_digest(KEY, "officer")
    assert rules.name_digest(KEY, "\ud800")  # whatever a client sends


def test_a_hash_is_kept_and_a_content_is_hashed() -> None:
    assert rules.digest("ab" * 32) == "ab" * 32
    assert rules.digest(None) is None
    assert rules.digest({"b": 1, "a": "x"}) == sha256(b'{"a":"x","b":1}').hexdigest()


def test_details_that_are_called_a_secret_are_found_at_any_depth() -> None:
    found = rules.secret_names({"a": [{"Password": "x"}], "token": 1, "tokens": 2})
    assert set(found) == {"Password", "token"}
