"""The rates' members: recomputed from what is published, recorded as a difference.

Only what changed is written: a row that no longer follows ends its recorded time, a new one begins,
so that a figure can be asked for as it was known at any moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import rates as rules
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.model import rates as store


def refresh(session: Session, unit_ids: Sequence[str] | None = None) -> int:
    """Brings the member rows of these units (None: all) up to what is published now.

    Call it in the transaction that changed something; returns how many rows were written.
    """
    units = store.all_units(session) if unit_ids is None else store.closure(session, unit_ids)
    if not units:
        return 0
    store.lock(session, units)
    facts = load_facts(session, units)
    wanted = set(rules.all_memberships(facts))
    records = [*facts.units, *facts.resources]
    known = {_member(row): row["id"] for row in store.present_rows(session, records)}
    at = clock.now()
    gone = [row_id for member, row_id in known.items() if member not in wanted]
    if gone:
        store.close_rows(session, gone, at)
    written = store.add_rows(session, ((*astuple(member), at) for member in wanted - known.keys()))
    store.refresh_steps(session, units, at)
    return written


def _member(row: Mapping[str, Any]) -> rules.Membership:
    return rules.Membership(**{name: value for name, value in row.items() if name != "id"})


def load_facts(session: Session, unit_ids: Sequence[str]) -> rules.RateFacts:
    """The published history of a closed set of units, as the rules read it."""
    versions = _grouped(store.resource_versions(session, unit_ids), "entry_code")
    periods = _grouped(store.publication_periods(session, unit_ids, list(versions)), "package_id")
    steps = _grouped(store.successions(session, unit_ids), "unit_id")
    return rules.RateFacts(
        [_unit(row, steps.get(row["unit_id"], [])) for row in store.unit_facts(session, unit_ids)],
        [_resource(code, rows) for code, rows in versions.items()],
        [_dataset(package, rows) for package, rows in periods.items()],
    )


def _grouped(rows: Iterable[Mapping[str, Any]], key: str) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        found.setdefault(row[key], []).append(row)
    return found


def _unit(row: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> rules.UnitFacts:
    return rules.UnitFacts(
        unit_id=row["unit_id"],
        kind=row["kind"],
        level=row["level"],
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        in_scope=tuple(_range(each) for each in row["in_scope_opening"]),
        has_id=row["has_id"],
        first_inventory_on=row["first_inventory_on"],
        no_data=tuple(
            _declared(each) for each in row["no_data_declared"] if each.get("approved_by")
        ),
        successions=tuple(
            rules.Succession(step["kind"], step["on_date"], step["other_id"]) for step in steps
        ),
        parent=row["parent_id"],
    )


def _range(stretch: Mapping[str, Any]) -> rules.Range:
    end = stretch.get("to")
    return rules.Range(
        date.fromisoformat(stretch["from"]), date.fromisoformat(end) if end else None
    )


def _declared(declaration: Mapping[str, Any]) -> rules.Range:
    due = declaration.get("review_due")
    return rules.Range(
        date.fromisoformat(declaration["declared_on"]), date.fromisoformat(due) if due else None
    )


def _resource(code: str, rows: Sequence[Mapping[str, Any]]) -> rules.ResourceFacts:
    first = rows[0]
    return rules.ResourceFacts(
        code=code,
        units=((first["from_on"], first["unit_id"]),),
        status=tuple(
            (row["from_on"], "retired" if row["change"] == "cancel" else "active") for row in rows
        ),
        published_on=first["from_on"],
        first_load=first["number"] == 1,
        open_type=tuple((row["from_on"], row["open_type"] or "withheld") for row in rows),
        amounts=tuple(_amounts(row) for row in rows),
    )


def _amounts(row: Mapping[str, Any]) -> rules.Amounts:
    rows = row["rows"]
    return rules.Amounts(row["from_on"], row["items"], row["items_open"], rows, rows or 0)


def _dataset(package: str, rows: Sequence[Mapping[str, Any]]) -> rules.DatasetFacts:
    first, last = rows[0], rows[-1]
    stretches = tuple(rules.Range(row["from_on"], row["to_on"]) for row in rows)
    present = tuple(
        span for row, span in zip(rows, stretches, strict=True) if row["machine_readable"]
    )
    links = tuple(
        rules.Link(code, span)
        for row, span in zip(rows, stretches, strict=True)
        for code in row["entry_codes"]
    )
    changed = sorted({row["from_on"] for row in rows})
    return rules.DatasetFacts(
        dataset_id=package,
        units=((first["from_on"], first["unit_id"]),),
        published=stretches,
        open_type=tuple((row["from_on"], row["open_type"]) for row in rows),
        distributions=(rules.DistributionFacts(present),),
        links=links,
        repairs=tuple(
            row["to_on"] for row in rows if row["ground"] == "maintenance" and row["to_on"]
        ),
        stale=rules.stale_ranges(changed, rules.CYCLES.get(last["update_cycle"]), work_calendar()),
        legal_order=tuple(
            rules.Range(row["to_on"])
            for row in rows
            if row["ground"] == "legal_order" and row["to_on"]
        ),
    )


def figures(
    session: Session, rate: str, as_of: date, unit: str | None = None, known_at: Any = None
) -> dict[str, rules.Figure]:
    """Every variant of a rate at the end of a day, for the city or one unit."""
    units = [unit] if unit else store.all_units(session)
    variants = rules.VARIANTS[rate]
    sums = store.sums(session, rate, variants, as_of, units, known_at)
    return {
        variant: rules.figure_from_sums(rate, variant, as_of, *sums.get(variant, (0, 0, 0)))
        for variant in variants
    }


def trend(
    session: Session, rate: str, variant: str, unit: str | None, until: date
) -> Iterator[tuple[date, int, int]]:
    """Days on which the figure moved, with numerator and denominator from then on."""
    numerator = denominator = 0
    for row in store.changes_by_day(session, rate, variant, unit, until):
        numerator += int(row["numerator"])  # type: ignore[call-overload]
        denominator += int(row["denominator"])  # type: ignore[call-overload]
        yield row["day"], numerator, denominator  # type: ignore[misc]
