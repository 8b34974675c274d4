"""What a refresh rule covers, and every way to be outside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ckanext.govopen.domain import refresh as rules

TODAY = date(2026, 6, 1)
COLUMNS = (("站点", "text"), ("日期", "date"), ("浓度", "numeric"))
SOURCE = {"kind": "upload", "unit": "u", "system": ""}
RULE = rules.Rule(
    schema={"r": rules.Table("CSV", COLUMNS, 100)},
    source=SOURCE,
    masking={},
    row_change_bound=Decimal("0.2"),
    expires_on=date(2026, 6, 1),
)


def changed(columns: tuple[tuple[str, str], ...] = COLUMNS, **facts: object) -> rules.Changed:
    known = {"changed_rows": (20, 20), "compared_rows": (100, 100), **facts}
    return rules.Changed("r", "数据", rules.Table("CSV", columns, 100), **known)  # type: ignore[arg-type]


def refresh(*files: rules.Changed, **facts: object) -> rules.Refresh:
    return rules.Refresh(**{"source": SOURCE, "files": files, "is_clean": True, **facts})  # type: ignore[arg-type]


def codes(rule: rules.Rule, one: rules.Refresh, today: date = TODAY) -> list[str]:
    return [finding.code for finding in rules.outside(rule, one, today)]


def test_at_the_bound_on_the_last_day_it_is_inside() -> None:
    assert codes(RULE, refresh(changed())) == []


NARROWER = tuple(
    (name, {"numeric": "int8", "text": "date"}.get(kind, kind)) for name, kind in COLUMNS
)


def test_a_column_may_hold_less_than_was_promised() -> None:
    assert codes(RULE, refresh(changed(NARROWER))) == []


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (changed((*COLUMNS, ("备注", "text"))), "refresh.W3"),
        (changed(COLUMNS[:2]), "refresh.W3"),
        (changed((COLUMNS[1], COLUMNS[0], COLUMNS[2])), "refresh.W3"),
        (changed((COLUMNS[0], COLUMNS[1], ("浓度", "text"))), "refresh.W3"),
        (changed(changed_rows=(1, 21)), "refresh.W4"),
        (changed(changed_rows=(21, 1)), "refresh.W4"),
        (changed(changed_rows=(), compared_rows=()), "refresh.W4"),
        (changed(()), "refresh.W7"),
        (changed(unmasked=("站点",)), "refresh.W8"),
        (replace(changed(), resource_id="other"), "refresh.W7"),
        (replace(changed(), table=rules.Table("CSV", COLUMNS, 0)), "refresh.W7"),
        (replace(changed(), table=rules.Table("XLSX", COLUMNS, 100)), "refresh.W3"),
    ],
)
def test_a_file_is_outside(file: rules.Changed, code: str) -> None:
    assert codes(RULE, refresh(file)) == [code]


@pytest.mark.parametrize(
    ("rule", "facts", "code"),
    [
        (replace(RULE, is_approved=False), {}, "refresh.W1"),
        (replace(RULE, is_revoked=True), {}, "refresh.W1"),
        (replace(RULE, expires_on=date(2026, 5, 31)), {}, "refresh.W1"),
        (RULE, {"is_files_only": False}, "refresh.W2"),
        (RULE, {"source": {**SOURCE, "system": "x"}}, "refresh.W5"),
        (RULE, {"is_clean": False}, "refresh.W6"),
    ],
)
def test_a_refresh_is_outside(rule: rules.Rule, facts: dict[str, object], code: str) -> None:
    assert codes(rule, refresh(changed(), **facts)) == [code]


@pytest.mark.parametrize(
    ("bound", "last", "found"),
    [
        ("0", date(2026, 6, 2), []),
        ("1", date(2027, 6, 1), []),
        ("1.01", date(2026, 6, 2), ["refresh.E2"]),
        ("-0.1", date(2026, 6, 2), ["refresh.E2"]),
        ("0.1", date(2026, 6, 1), ["refresh.E3"]),
        ("0.1", date(2027, 6, 2), ["refresh.E3"]),
        ("0.1", None, ["refresh.E3"]),
    ],
)
def test_a_rule_lasts_from_tomorrow_for_twelve_months(
    bound: str, last: date | None, found: list[str]
) -> None:
    tables = [rules.Table("CSV", COLUMNS, 1)]
    answer = rules.check_rule(bound=Decimal(bound), expires_on=last, today=TODAY, tables=tables)
    assert [finding.code for finding in answer] == found


def test_a_rule_takes_a_table() -> None:
    answer = rules.check_rule(
        bound=Decimal(0), expires_on=date(2026, 7, 1), today=TODAY, tables=[rules.Table("PDF", ())]
    )
    assert [finding.code for finding in answer] == ["refresh.E4"]


def test_a_year_from_a_leap_day_ends_on_the_twenty_eighth() -> None:
    tables = [rules.Table("CSV", COLUMNS, 1)]
    answer = rules.check_rule(
        bound=Decimal(0), expires_on=date(2029, 3, 1), today=date(2028, 2, 29), tables=tables
    )
    assert answer[0].params["last"] == "2029-02-28"
