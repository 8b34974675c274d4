"""The stand-alone verifier, run as a stranger would run it, finds every changed byte."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ckanext.govopen.domain import registers

SCRIPT = Path(registers.__file__).parents[1] / "data/recompute/verify_register.py"


def chain(length: int = 12, register: str = "r1") -> list[dict[str, Any]]:
    """Rows as the export gives them: every third is not public, every fourth a publishing."""
    rows, head = [], ""
    for position in range(1, length + 1):
        told: dict[str, object] = {"position": position, "register": register}
        if position % 4 == 0:
            told |= {"kind": "publish", "number": position // 4}
        else:
            told |= {"kind": "entry", "entry": f"YZ-{position:02}", "fields": {"name": "许可"}}
        data = registers.canonical(told)
        link = registers.link(position, head, data, b"s" * 16, b"{}")
        head = link.hash
        rows.append({
            "position": position,
            "public": None if position % 3 == 0 else data.decode(),
            "public_hash": sha256(data).hexdigest(),
            "private_hash": link.private_hash,
            "prev_hash": link.prev_hash,
            "hash": link.hash,
        })  # fmt: skip
    return rows


def run(path: Path, rows: list[dict[str, Any]], *more: str) -> subprocess.CompletedProcess[str]:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8")
    # -I -S: neither the environment nor any installed package can help the script.
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path), "--json", *more],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def answer(path: Path, rows: list[dict[str, Any]], *more: str) -> tuple[int, dict[str, Any]]:
    done = run(path, rows, *more)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chain.jsonl"


def test_an_honest_chain_holds_and_its_head_is_told(path: Path) -> None:
    rows = chain()
    assert answer(path, rows) == (0, {
        "holds": True, "register": "r1", "rows": 12, "shown": 8, "head": rows[-1]["hash"],
    })  # fmt: skip


def test_one_changed_character_of_any_public_row_is_found_and_named(path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - a sample, no secret
    for place, row in enumerate(chain()):
        if row["public"] is None:
            continue
        rows = chain()
        text = row["public"]
        at = chance.randrange(len(text))
        rows[place]["public"] = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        code, said = answer(path, rows)
        assert (code, said["position"]) == (1, place + 1)


@pytest.mark.parametrize("key", ["public_hash", "private_hash", "prev_hash", "hash"])
def test_a_changed_hash_is_found_also_of_a_row_that_is_not_public(path: Path, key: str) -> None:
    rows = chain()
    rows[2][key] = sha256(b"other").hexdigest()
    assert answer(path, rows)[0] == 1
    assert answer(path, rows)[1]["position"] == 3


def test_the_entry_of_the_broken_row_is_named(path: Path) -> None:
    rows = chain()
    rows[4]["public"] = rows[4]["public"].replace("许可", "处罚")
    assert answer(path, rows)[1]["entry"] == "YZ-05"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.pop(5),
        lambda rows: rows.insert(3, rows[3]),
        lambda rows: rows.reverse(),
        lambda rows: rows.__setitem__(slice(None), chain(6) + chain(12, "r2")[6:]),
        lambda rows: rows[0].update(public_hash="nothing"),
    ],
    ids=["missing", "twice", "reversed", "of another register", "no hash"],
)
def test_rows_that_are_missing_twice_or_of_another_list_are_found(path: Path, spoil: Any) -> None:
    rows = chain()
    spoil(rows)
    assert answer(path, rows)[0] == 1


def test_a_history_that_was_rewritten_whole_is_found_by_a_head_noted_down_before(
    path: Path,
) -> None:
    noted = chain()[7]["hash"]
    assert answer(path, chain(20), "--head", f"8:{noted}")[0] == 0
    forged = chain(20, "r1 ")  # every hash computed anew over other bytes
    assert answer(path, forged)[0] == 0
    assert answer(path, forged, "--head", f"8:{noted}")[1]["position"] == 8
    assert answer(path, chain(6), "--head", f"8:{noted}")[0] == 1


@pytest.mark.parametrize("text", ["", "{", "[]\n", '{"position": 1}\n'])
def test_what_is_no_chain_is_said_to_be_unreadable(path: Path, text: str) -> None:
    path.write_text(text)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr


def test_bytes_that_are_no_text_any_more_are_shown_as_they_are_and_found(path: Path) -> None:
    rows = chain()
    rows[1] |= {"public": None, "public_base64": "/wD+"}
    code, said = answer(path, rows)
    assert (code, said["position"], said["entry"]) == (1, 2, None)
