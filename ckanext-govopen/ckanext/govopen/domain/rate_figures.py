"""Figures: sums of member rows on a day, exact, compared with the target.

Part of `domain.rates`, through which everything here is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rate_facts import (
    DEFAULTS,
    VARIANTS,
    Membership,
    Parameters,
    RateError,
    Target,
    UnitFacts,
)

_TARGET = re.compile(
    r"\A(?P<rate>\w+)\.(?P<variant>\w+)=(?P<year>\d{4}):(?P<percent>\d{1,3})\Z", re.ASCII
)
SCOPES = {
    "city": ("city",),
    "county": ("county", "township", "village"),
    "combined": ("province", "city", "county", "township", "village"),
}


@dataclass(frozen=True)
class Figure:
    """A rate on a day.

    Args:
        rule_set, rate, variant, as_of: what was asked.
        numerator, denominator: sums of the rows' amounts.
        excluded: how many rows are kept out.
        value: fraction as a decimal with six places, half up; None for a zero denominator.
        display: percent with one place, half up; `—` for a zero denominator.
        target: percent to reach, None where the variant has none.
        meets_target: exact; None without target or value.
        short_by: how much more the numerator needs; None like `meets_target`.
    """

    rule_set: str
    rate: str
    variant: str
    as_of: date
    numerator: int
    denominator: int
    excluded: int
    value: str | None
    display: str
    target: int | None
    meets_target: bool | None
    short_by: int | None


def decimal_half_up(numerator: int, denominator: int, places: int) -> str:
    """The fraction as a decimal with so many places, rounded half up, in whole numbers."""
    scaled = (2 * numerator * 10**places + denominator) // (2 * denominator)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def read_targets(texts: Iterable[str]) -> tuple[Target, ...]:
    """Targets as a site writes them, each `RATE.VARIANT=YEAR:PERCENT`.

    Raises:
        ValueError: one is written otherwise; its text is the argument.
    """
    found = []
    for text in texts:
        said = _TARGET.match(text)
        if said is None or said["variant"] not in VARIANTS.get(said["rate"], ()):
            raise ValueError(text)
        percent = int(said["percent"])
        if percent > 100:
            raise ValueError(text)
        found.append(Target(said["rate"], said["variant"], int(said["year"]), percent))
    return tuple(sorted(found, key=lambda target: target.from_year))


def target_for(rate: str, variant: str, day: date, parameters: Parameters = DEFAULTS) -> int | None:
    """Percent to reach in the year of a day; None before the first milestone."""
    known = [
        target
        for target in parameters.targets
        if (target.rate, target.variant) == (rate, variant) and target.from_year <= day.year
    ]
    return max(known, key=lambda target: target.from_year).percent if known else None


def figure_from_sums(
    rate: str,
    variant: str,
    as_of: date,
    numerator: int,
    denominator: int,
    excluded: int = 0,
    parameters: Parameters = DEFAULTS,
) -> Figure:
    """The figure of sums that were made elsewhere, e.g. by SQL over the stored rows.

    Raises:
        RateError: rates.E4 unknown rate or variant; rates.E5 numerator not within denominator.
    """
    if variant not in VARIANTS.get(rate, ()):
        raise RateError(Finding("rates.E4", "variant", f"{rate}/{variant}"))
    if not 0 <= numerator <= denominator:
        raise RateError(Finding("rates.E5", "numerator", f"{numerator}/{denominator}"))
    given = (parameters.rule_set, rate, variant, as_of, numerator, denominator, excluded)
    target = target_for(rate, variant, as_of, parameters)
    if denominator == 0:
        return Figure(*given, None, "—", target, None, None)
    value = decimal_half_up(numerator, denominator, 6)
    display = decimal_half_up(numerator * 100, denominator, 1) + "%"
    if target is None:
        return Figure(*given, value, display, None, None, None)
    needed = -(-target * denominator // 100)
    meets = numerator * 100 >= target * denominator
    return Figure(*given, value, display, target, meets, max(0, needed - numerator))


def figure(
    memberships: Iterable[Membership],
    rate: str,
    variant: str,
    as_of: date,
    scope_units: frozenset[str] | None = None,
    parameters: Parameters = DEFAULTS,
) -> Figure:
    """The figure of a day, for all units or some; a city's is the ratio of sums.

    Raises:
        RateError: rates.E4, rates.E5 as `figure_from_sums`, and E5 for a numerator row without a
            denominator row that covers it.
    """
    sides: dict[str, dict[str, int]] = {"numerator": {}, "denominator": {}, "excluded": {}}
    for row in memberships:
        if (row.rate, row.variant) != (rate, variant) or as_of not in row:
            continue
        if scope_units is None or row.unit_id in scope_units:
            sides[row.side][row.record] = sides[row.side].get(row.record, 0) + row.amount
    for record, amount in sides["numerator"].items():
        if amount > sides["denominator"].get(record, 0):
            raise RateError(Finding("rates.E5", "record", record))
    numerator, denominator = (sum(sides[s].values()) for s in ("numerator", "denominator"))
    excluded = len(sides["excluded"])
    return figure_from_sums(rate, variant, as_of, numerator, denominator, excluded, parameters)


def units_in_scope(units: Iterable[UnitFacts], scope: str) -> frozenset[str]:
    """The units of a report: `city` by default, `county` for itself, `combined` is their sum.

    Raises:
        RateError: rates.E4 unknown scope.
    """
    if scope not in SCOPES:
        raise RateError(Finding("rates.E4", "scope", scope))
    return frozenset(unit.unit_id for unit in units if unit.level in SCOPES[scope])


def check_question(
    rate: str,
    variant: str,
    as_of: date,
    today: date,
    first_inventory_on: date | None,
    rule_set: str | None = None,
    parameters: Parameters = DEFAULTS,
) -> tuple[Finding, ...]:
    """What is wrong with a question for a figure: rates.E4 unknown words, rates.E3 the date."""
    found = []
    if variant not in VARIANTS.get(rate, ()):
        found.append(Finding("rates.E4", "variant", f"{rate}/{variant}"))
    if rule_set not in (None, parameters.rule_set):
        found.append(Finding("rates.E4", "rule_set", rule_set))
    if as_of > today or first_inventory_on is None or as_of < first_inventory_on:
        params = {"today": today.isoformat(), "first": str(first_inventory_on or "—")}
        found.append(Finding("rates.E3", "as_of", as_of.isoformat(), params))
    return tuple(found)


def check_exclusion(reason: str, approver: str) -> tuple[Finding, ...]:
    """rates.E6: whoever takes a record out of a figure says why and who approved it."""
    if reason.strip() and approver.strip():
        return ()
    return (Finding("rates.E6", "reason" if not reason.strip() else "approver"),)
