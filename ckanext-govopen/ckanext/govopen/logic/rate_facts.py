"""The facts of the rates from what was published: rows of the tables become histories of days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen.domain import rates as rules
from ckanext.govopen.domain.declarations import holds
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import rates as store

Row = Mapping[str, Any]


def load(session: Session, unit_ids: Sequence[str]) -> rules.RateFacts:
    """The published history of a closed set of units, as the rules read it."""
    versions = _grouped(store.resource_versions(session, unit_ids), "entry_code")
    periods = _grouped(store.publication_periods(session, unit_ids, list(versions)), "package_id")
    parts = _grouped(store.parts_with_failures(session, list(periods)), "package_id")
    opened = opened_rows(periods.values())
    merged = copies(versions)
    for row in store.grouped_lines(session, list(versions)):
        during = rules.Range(row["from_on"])
        grouped = rules.Merge(during, row["into_code"], "grouped")
        merged.setdefault(row["entry_code"], []).append(grouped)
    steps = _grouped(store.successions(session, unit_ids), "unit_id")
    return rules.RateFacts(
        [unit_facts(row, steps.get(row["unit_id"], [])) for row in store.units(session, unit_ids)],
        [
            resource_facts(code, rows, opened.get(code, ()), merged.get(code, ()))
            for code, rows in versions.items()
        ],
        [dataset_facts(package, rows, parts.get(package, [])) for package, rows in periods.items()],
    )


def _grouped(rows: Iterable[Row], key: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def unit_facts(row: Row, steps: Sequence[Row]) -> rules.UnitFacts:
    return rules.UnitFacts(
        unit_id=row["unit_id"],
        kind=row["kind"],
        level=row["level"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        in_scope=tuple(_range(each) for each in row["in_scope_opening"]),
        has_id=row["has_id"],
        first_inventory_on=row["first_inventory_on"],
        no_data=tuple(during for each in row["no_data_declared"] for during in holds(each)),
        successions=tuple(
            rules.Succession(step["kind"], step["on_date"], step["other_id"]) for step in steps
        ),
        parent=row["parent_id"],
    )


def _range(stretch: Row) -> rules.Range:
    end = stretch.get("to")
    return rules.Range(
        date.fromisoformat(stretch["from"]), date.fromisoformat(end) if end else None
    )


def opened_rows(datasets: Iterable[Sequence[Row]]) -> dict[str, list[tuple[rules.Range, int]]]:
    """For each line the stretches in which a dataset that opens it was public, with its rows.

    A withdrawal for repair keeps them, as it keeps the dataset's credit.
    """
    found: dict[str, list[tuple[rules.Range, int]]] = {}
    for periods in datasets:
        untils: list[date | None] = [*(row["from_on"] for row in periods[1:]), None]
        for row, until in zip(periods, untils, strict=True):
            end = until if row["ground"] == "maintenance" else row["to_on"]
            for code in row["entry_codes"] if row["rows"] else ():
                found.setdefault(code, []).append((rules.Range(row["from_on"], end), row["rows"]))
    return found


def copies(versions: Mapping[str, Sequence[Row]]) -> dict[str, list[rules.Merge]]:
    """The lines that on some days only repeat another line of their unit."""
    stretches = []
    for code, rows in versions.items():
        held = _in_force(rows)
        untils: list[date | None] = [*(row["from_on"] for row in held[1:]), None]
        stretches += [
            rules.Held(
                code,
                rules.Range(row["from_on"], until),
                held[0]["from_on"],
                f"{row['unit_id']} {row['said']}",
            )
            for row, until in zip(held, untils, strict=True)
            if row["change"] != "cancel"
        ]
    return {
        code: [rules.Merge(during, into, "duplicate") for during, into in found]
        for code, found in rules.repeated(stretches).items()
    }


def resource_facts(
    code: str,
    rows: Sequence[Row],
    opened: Sequence[tuple[rules.Range, int]] = (),
    merged: Sequence[rules.Merge] = (),
) -> rules.ResourceFacts:
    """An inventory line from its published versions.

    Args:
        opened: see `opened_rows`.
        merged: days on which it counts under another line.
    """
    held = _in_force(rows)
    return rules.ResourceFacts(
        code=code,
        units=tuple((row["from_on"], row["unit_id"]) for row in held),
        status=tuple(
            (row["from_on"], "retired" if row["change"] == "cancel" else "active") for row in held
        ),
        published_on=held[0]["from_on"],
        first_load=any(row["number"] == 1 and row["change"] != "transfer" for row in rows),
        open_type=tuple((row["from_on"], row["open_type"] or "withheld") for row in held),
        amounts=_amounts(held, opened),
        merged=tuple(merged),
    )


def _in_force(rows: Sequence[Row]) -> list[Row]:
    """The versions by the day from which each holds; of one day the later one decides."""
    by_day = {row["from_on"]: row for row in sorted(rows, key=_order)}
    return list(by_day.values())


def _order(row: Row) -> tuple[date, datetime, int]:
    """By number within a register; an entry that moved to another one was published there later."""
    return row["from_on"], row["published_at"], row["number"]


def _amounts(
    held: Sequence[Row], opened: Sequence[tuple[rules.Range, int]]
) -> tuple[rules.Amounts, ...]:
    """Declared sizes and how much of them is open, from each day on which one of them changes.

    More opened than there is counts as all of it, and never stops a figure.
    """
    days = {row["from_on"] for row in held}
    for during, _ in opened:
        days |= {during.from_on, during.to_on or during.from_on}
    found: list[rules.Amounts] = []
    version = iter(held)
    following = next(version, None)
    row = held[0]
    for day in sorted(day for day in days if day >= row["from_on"]):
        while following is not None and following["from_on"] <= day:
            row, following = following, next(version, None)
        public = sum(count for during, count in opened if day in during)
        last = found[-1] if found else None
        amounts = _amounts_on(day, row, public)
        if last is None or replace(last, from_on=day) != amounts:
            found.append(amounts)
    return tuple(found)


def _amounts_on(day: date, row: Row, public: int) -> rules.Amounts:
    items, rows = row["items"], row["rows"]
    return rules.Amounts(
        day, items, min(row["items_open"], items or 0), rows, min(public, rows or 0)
    )


def dataset_facts(
    package: str, rows: Sequence[Row], parts: Sequence[Row] = ()
) -> rules.DatasetFacts:
    """A dataset from the periods in which it was public, in order.

    Its links, its files and an order of law last until it is public again, not until it is taken
    back: see `rules.Link`.

    Args:
        parts: its machine-readable resources with their failing days, where one has ever failed.
    """
    last = rows[-1]
    untils: list[date | None] = [*(row["from_on"] for row in rows[1:]), None]
    lasting = list(zip(rows, untils, strict=True))
    readable = (rules.Range(row["from_on"], to) for row, to in lasting if row["machine_readable"])
    return rules.DatasetFacts(
        dataset_id=package,
        units=tuple((row["from_on"], row["unit_id"]) for row in rows),
        published=tuple(rules.Range(row["from_on"], row["to_on"]) for row in rows),
        open_type=tuple((row["from_on"], row["open_type"]) for row in rows),
        distributions=_distributions(tuple(readable), parts),
        links=tuple(
            rules.Link(code, rules.Range(row["from_on"], until))
            for row, until in lasting
            for code in row["entry_codes"]
        ),
        repairs=tuple(
            row["to_on"] for row in rows if row["ground"] == "maintenance" and row["to_on"]
        ),
        stale=rules.stale_ranges(
            _changes(rows), rules.CYCLES.get(last["update_cycle"]), work_calendar()
        ),
        legal_order=tuple(
            rules.Range(row["to_on"], until)
            for row, until in lasting
            if row["ground"] == "legal_order" and row["to_on"]
        ),
    )


def _distributions(
    present: tuple[rules.Range, ...], parts: Sequence[Row]
) -> tuple[rules.DistributionFacts, ...]:
    """One for all resources while none has failed; else one for each, with its failing days."""
    if not parts:
        return (rules.DistributionFacts(present),)
    return tuple(
        rules.DistributionFacts(
            present,
            tuple(
                rules.Range(row["from_on"], row["to_on"])
                for row in failures
                if row["from_on"] and row["from_on"] != row["to_on"]
            ),
        )
        for failures in _grouped(parts, "resource_id").values()
    )


def _changes(rows: Sequence[Row]) -> list[date]:
    """Days on which the data changed: those of its versions, and before there were any, of periods.

    Being public again with the same data is no update: it does not begin a new cycle.
    """
    newest = rows[-1]["data_on"] or rows[-1]["from_on"]
    known = {newest, *rows[-1]["data_days"]}
    return sorted({*known, *(row["from_on"] for row in rows if row["from_on"] < min(known))})
