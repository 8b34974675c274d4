"""Rows of the tables become the histories that the rules of the rates read."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import pytest

pytest.importorskip("sqlalchemy")

from ckanext.govopen.domain import rates as rules


@pytest.fixture(scope="module")
def facts() -> Any:
    pytest.importorskip("ckan", reason="the facts are read by code that lives inside CKAN")
    from ckanext.govopen.logic import rate_facts

    return rate_facts


def period(since: date, until: date | None = None, **values: Any) -> dict[str, Any]:
    return {
        "unit_id": "u",
        "entry_codes": ["c"],
        "open_type": "unconditional",
        "update_cycle": "monthly",
        "machine_readable": True,
        "rows": None,
        "ground": None,
        "data_on": None,
        "data_days": [],
        "from_on": since,
        "to_on": until,
        **values,
    }


def version(since: date, number: int = 1, **values: Any) -> dict[str, Any]:
    return {
        "unit_id": "u",
        "from_on": since,
        "number": number,
        "published_at": datetime(2024, 1, number, tzinfo=timezone.utc),
        "change": "change",
        "open_type": "unconditional",
        "items": 4,
        "items_open": 3,
        "rows": 9,
        "said": "x",
        **values,
    }


D1, D2, D3, D4 = date(2024, 1, 10), date(2024, 3, 1), date(2024, 3, 5), date(2024, 6, 1)


def test_links_and_files_last_until_the_dataset_is_public_again(facts: Any) -> None:
    found = facts.dataset_facts("p", [period(D1, D2, ground="error"), period(D3)])
    assert found.links == (
        rules.Link("c", rules.Range(D1, D3)),
        rules.Link("c", rules.Range(D3, None)),
    )
    assert found.distributions[0].present == (rules.Range(D1, D3), rules.Range(D3, None))
    assert found.published == (rules.Range(D1, D2), rules.Range(D3, None))


def test_an_order_of_law_ends_when_the_dataset_is_public_again(facts: Any) -> None:
    found = facts.dataset_facts("p", [period(D1, D2, ground="legal_order"), period(D3)])
    assert found.legal_order == (rules.Range(D2, D3),)
    lasting = facts.dataset_facts("p", [period(D1, D2, ground="legal_order")])
    assert lasting.legal_order == (rules.Range(D2, None),)


def test_being_public_again_with_the_same_data_is_no_update(facts: Any) -> None:
    once = facts.dataset_facts("p", [period(D1, data_on=D1)])
    again = facts.dataset_facts("p", [period(D1, D2, data_on=D1), period(D3, data_on=D1)])
    renewed = facts.dataset_facts("p", [period(D1, D2, data_on=D3), period(D3, data_on=D3)])
    assert again.stale == once.stale
    assert renewed.stale[-1].from_on > once.stale[-1].from_on


def test_a_later_version_decides_from_its_own_day_on(facts: Any) -> None:
    rows = [version(D4, 1), version(D2, 2, open_type="withheld")]
    found = facts.resource_facts("c", rows)
    assert found.open_type == ((D2, "withheld"), (D4, "unconditional"))
    assert found.first_load is True


def test_of_one_day_the_later_version_decides(facts: Any) -> None:
    found = facts.resource_facts("c", [version(D1, 1), version(D1, 2, change="cancel")])
    assert found.status == ((D1, "retired"),)


def test_more_opened_than_there_is_counts_as_all_of_it(facts: Any) -> None:
    opened = facts.opened_rows([[period(D1, rows=12)]])
    found = facts.resource_facts("c", [version(D1, items=4, items_open=7)], opened["c"])
    assert found.amounts == (rules.Amounts(D1, 4, 4, 9, 9),)


def rows_opened(facts: Any, versions: list[Any], *datasets: list[Any]) -> list[tuple[date, int]]:
    opened = facts.opened_rows(datasets)
    found = facts.resource_facts("c", versions, opened.get("c", ()))
    return [(each.from_on, each.rows_opened) for each in found.amounts]


def test_opened_rows_are_those_of_what_was_public_then(facts: Any) -> None:
    line = [version(D1, rows=100)]
    assert rows_opened(facts, line) == [(D1, 0)]
    assert rows_opened(facts, line, [period(D2)]) == [(D1, 0)]
    grown = [period(D2, D3, rows=10, ground="revised"), period(D3, rows=30)]
    assert rows_opened(facts, line, grown) == [(D1, 0), (D2, 10), (D3, 30)]
    assert rows_opened(facts, line, grown, [period(D4, rows=90)])[-1] == (D4, 100)
    gone = [period(D2, D3, rows=10, ground="error")]
    assert rows_opened(facts, line, gone) == [(D1, 0), (D2, 10), (D3, 0)]
    mended = [period(D2, D3, rows=10, ground="maintenance"), period(D4, rows=10)]
    assert rows_opened(facts, line, mended) == [(D1, 0), (D2, 10)]


def test_a_dataset_that_was_public_before_its_line_counts_from_the_line_on(facts: Any) -> None:
    assert rows_opened(facts, [version(D2, rows=100)], [period(D1, rows=10)]) == [(D2, 10)]
    later = [version(D2, 1, rows=100), version(D4, 2, rows=5)]
    assert rows_opened(facts, later, [period(D1, rows=10)]) == [(D2, 10), (D4, 5)]


def test_a_line_that_repeats_another_one_is_counted_once_and_only_while_it_does(
    facts: Any,
) -> None:
    versions = {
        "a": [version(D1)],
        "b": [version(D2), version(D4, 2, said="y")],
        "c": [version(D3, said="y"), version(D4, 2, said="z")],
        "d": [version(D2, unit_id="v")],
    }
    assert facts.copies(versions) == {"b": [rules.Merge(rules.Range(D2, D4), "a", "duplicate")]}
    versions["e"] = [version(D4, said="x")]
    versions["a"].append(version(D4, 2, change="cancel"))
    assert facts.copies(versions)["b"][0].into == "a"
    assert "e" not in facts.copies(versions)


def test_a_thousand_copies_have_one_original(facts: Any) -> None:
    found = facts.copies({f"c{number:04}": [version(D1)] for number in range(1000)})
    assert len(found) == 999
    assert {merge.into for merges in found.values() for merge in merges} == {"c0000"}
