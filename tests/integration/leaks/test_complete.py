"""Whatever the application answers has a line in `tests/leak_matrix.yml`; a new surface fails here.

To mend a failure: add a line with the family that says what the surface may tell, and with what it
is asked; the other tests of this folder ask it then, as everybody. See docs/decisions/009.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from surfaces import actions, free_readers, lines, matrix, rules


def _difference(kind: str, running: Any, listed: Any) -> str:
    new, gone = sorted(set(running) - set(listed)), sorted(set(listed) - set(running))
    said = [f"add to `{kind}` in tests/leak_matrix.yml:  {name}: {{family: …}}" for name in new]
    return "\n".join([*said, *(f"no longer there, take its line away: {name}" for name in gone)])


def test_every_action_has_a_line(application: Flask) -> None:
    missing = _difference("actions", actions(application), lines("actions"))
    assert not missing, missing


def test_every_address_has_a_line(application: Flask) -> None:
    missing = _difference("routes", rules(application), lines("routes"))
    assert not missing, missing


def test_every_function_that_reads_without_asking_is_known() -> None:
    known = matrix()["free_readers"]
    assert free_readers() == {name: line["functions"] for name, line in known.items()}, (
        "a function that names `ignore_auth` came or went: look at what it shows to whom, then"
        " write it into `free_readers` of tests/leak_matrix.yml with the reason"
    )


@pytest.mark.parametrize("section", ["actions", "routes"])
def test_every_line_has_a_family_or_a_reason(section: str) -> None:
    families = set(matrix()["families"])
    wrong = [
        line.name
        for line in lines(section).values()
        if (line.family in families) == bool(line.exempt)
    ]
    assert not wrong


@pytest.mark.parametrize("section", ["actions", "routes"])
def test_exemptions_are_counted(section: str) -> None:
    exempt = sum(1 for line in lines(section).values() if line.exempt)
    assert exempt == matrix()["exemptions"][section]
