"""What is said of a record that could not be written names its fault, and nothing of the record."""

from __future__ import annotations

import sqlalchemy as sa

from ckanext.govopen.domain.harvest import Taken
from ckanext.govopen.logic.harvest_results import LONGEST_TEXT, broken

TAKEN = Taken(1, "a", "hash", {}, {}, "created")


def test_of_a_refused_statement_the_first_line_of_the_database_is_said() -> None:
    orig = ValueError("value too long for type character varying(100)\nLINE 1: INSERT …")
    error = sa.exc.DataError("INSERT INTO package VALUES (:title)", {"title": "张三"}, orig)
    found = broken(TAKEN, error)
    assert (found.verdict, found.code) == ("rejected", "harvest.E9")
    assert found.facts == {"said": "value too long for type character varying(100)"}


def test_what_is_said_is_cut_and_holds_no_control_characters() -> None:
    found = broken(TAKEN, RuntimeError("a\x00b" + "x" * LONGEST_TEXT))
    assert str(found.facts["said"]).startswith("a b")
    assert len(str(found.facts["said"])) == LONGEST_TEXT
