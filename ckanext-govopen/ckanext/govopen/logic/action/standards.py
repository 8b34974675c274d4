"""Actions of the standard catalogue: items in force, what came out under them, what is owed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import standard_gaps, standard_rows
from ckanext.govopen.domain.standard_gaps import Coverage, Gap, Standing, World
from ckanext.govopen.domain.standard_topics import by_topic
from ckanext.govopen.logic import standard_pilots, standard_world
from ckanext.govopen.logic.action.units import unit_id_of
from ckanext.govopen.logic.errors import absent, no_unknown, page_limit, refuse
from ckanext.govopen.logic.paging import cursor_number, cursor_of, page, part
from ckanext.govopen.logic.standard_world import Publication
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import standards as store
from ckanext.govopen.model import units as units_store

__all__ = [
    "govopen_disclosure_coverage_list",
    "govopen_disclosure_domain_list",
    "govopen_disclosure_gap_list",
    "govopen_disclosure_item_list",
    "govopen_disclosure_item_show",
    "govopen_disclosure_topic_matrix",
    "govopen_disclosure_unit_list",
]

Row = Mapping[str, Any]

# Fields of an item that are shown as they are stored; the others have a form of their own.
PLAIN = (
    "domain", "seq", "item_l1", "content_elements", "legal_basis", "bodies", "bodies_raw",
    "channels", "channel_other", "channel_note", "audience", "audience_group", "mode", "levels",
    "five_open", "statutory_category", "expected_frequency", "source_entry", "template_code",
    "responsible_office", "url", "remarks", "not_occurred", "not_occurred_to",
)  # fmt: skip
LISTS = ("basic_disclosure_catalogue", "disclosure_standard")


@tk.side_effect_free
def govopen_disclosure_item_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Items of the standard catalogue in force, by catalogue and code.

    Args:
        unit: id, name or USCC of the body.
        domain, stage: codes of `disclosure_domain` and `five_open`.
        q: part of the name or of level 1.
        limit, cursor: as in every list.
    """
    tk.check_access("govopen_disclosure_item_list", context, data_dict)
    no_unknown(data_dict, "unit", "domain", "stage", "q", "limit", "cursor")
    limit, after = page_limit(data_dict), cursor_of(data_dict, 2)
    rows = store.items(
        model.Session,
        unit_id=unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None,
        domain=_code("disclosure_domain", data_dict.get("domain"), "domain"),
        stage=_code("five_open", data_dict.get("stage"), "stage"),
        q=str(data_dict.get("q") or ""),
        after=after or ("", ""),
        limit=limit + 1,
    )
    shown = _shown(rows[:limit])
    return page(
        rows,
        limit,
        lambda row: (row["register_id"], row["entry_code"]),
        lambda row: shown[row["register_id"], row["entry_code"]],
    )


def _code(name: str, value: object, field: str) -> str | None:
    """A code of a vocabulary, or None for no filter; anything else is refused."""
    if not value:
        return None
    terms = vocabulary(name)
    if str(value) not in terms:
        refuse("vocab.E1", field, str(value), allowed=list(terms.codes))
    return str(value)


def _shown(rows: Sequence[Row]) -> dict[tuple[str, str], dict[str, Any]]:
    """Each row with what was published under it."""
    world = standard_world.world(model.Session, (), whole=False)
    public = standard_world.published(model.Session, rows)
    held_back = store.held_back(model.Session)
    shown = {}
    for row in rows:
        item = standard_world.item_of(row, public.of(row), held_back)
        standing = standard_gaps.standing(item, world)
        shown[row["register_id"], row["entry_code"]] = _view(
            row, public.of(row), standing, is_owed=standing.is_owed(world.on)
        )
    return shown


def _view(
    row: Row, publications: Sequence[Publication], now: Standing, *, is_owed: bool
) -> dict[str, Any]:
    fields = row["fields"]
    return {
        "item_code": row["entry_code"],
        "register_id": row["register_id"],
        "unit_id": row["unit_id"],
        "unit_name": row["unit_name"],
        "item_l2": row["name"],
        **{name: fields[name] for name in PLAIN if name in fields},
        "elements": list(standard_rows.elements_of(fields)),
        "time_limit": standard_rows.limit_of(fields),
        "added_by_pilot": bool(fields.get("added_by_pilot")),
        "status": "active" if row["status"] in ("in_force", "suspended") else "retired",
        "version": row["number"],
        "effective_from": row["valid_from"].isoformat(),
        "publications": [_publication(one) for one in publications],
        "standing": {
            "state": now.state,
            "due_on": now.due_on.isoformat() if now.due_on else None,
            "is_owed": is_owed,
        },
    }


def _publication(one: Publication) -> dict[str, Any]:
    return {
        "record": one.record,
        "ref": one.ref,
        "title": one.title,
        "url": one.url,
        "published_on": one.day.isoformat(),
    }


@tk.side_effect_free
def govopen_disclosure_item_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One item: its ten columns, elements, sources, what was published under it or when it is due.

    Args:
        id: the item code, e.g. `social_assistance-02-01`.
        unit: whose catalogue, where several have the code.
    """
    tk.check_access("govopen_disclosure_item_show", context, data_dict)
    no_unknown(data_dict, "id", "unit")
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    rows = store.item(model.Session, str(data_dict.get("id") or ""), unit_id)
    if not rows:
        absent()
    return next(iter(_shown(rows[:1]).values()))


@tk.side_effect_free
def govopen_disclosure_domain_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The fields of the catalogue: the 26 of the guidelines, the later ones, pilots, counts.

    Args:
        limit, cursor: of the page; without `limit` all of them.
    """
    tk.check_access("govopen_disclosure_domain_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    units: dict[str, list[dict[str, Any]]] = {}
    for row in store.counts(model.Session):
        one = {"unit_id": row["unit_id"], "unit_name": row["unit_name"], "items": row["n"]}
        units.setdefault(row["domain"], []).append(one)
    items = []
    for term in vocabulary("disclosure_domain"):
        pilot = standard_pilots.pilot_of(term.code)
        items.append(
            {
                "domain": term.code,
                "number": term.extra["number"],
                "label": {"zh": term.zh, "en": term.en},
                "pilot_name": term.extra.get("pilot_name"),
                "pilot": {"zh": pilot.zh, "en": pilot.en, "pack": pilot.pack} if pilot else None,
                "units": units.get(term.code, []),
                "items": sum(one["items"] for one in units.get(term.code, [])),
            }
        )
    return part(items, data_dict)


@tk.side_effect_free
def govopen_disclosure_coverage_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """For each unit and field: items by state, and how many carry each of the five stages.

    Args:
        unit, domain: only those of a unit, or of a field.
        limit, cursor: of the page; without `limit` all of them.

    Returns:
        `{items: [{unit_id, unit_name, domain, fulfilled, overdue, never_published, not_occurred,
        numerator, denominator, stages: {decision, …}}]}`; the base is what the bodies themselves
        publish, so items given on request alone are in `stages` and not in the denominator.
    """
    tk.check_access("govopen_disclosure_coverage_list", context, data_dict)
    no_unknown(data_dict, "unit", "domain", "limit", "cursor")
    rows = store.items(
        model.Session,
        unit_id=unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None,
        domain=_code("disclosure_domain", data_dict.get("domain"), "domain"),
    )
    found = standard_gaps.coverage(standard_world.world(model.Session, rows, whole=False))
    return part(_coverage_views(rows, found), data_dict)


@tk.side_effect_free
def govopen_disclosure_topic_matrix(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The topics of social welfare by phases: what the catalogues of all units have in each cell.

    Returns:
        `{items: [{topic, domains, phases: {before | during | after: {items, published, owed,
        held_back}}}], gaps}`; `owed` items are due and not published; those that a negative list
        has `held_back` are none of `items`; `gaps` is the number of cells with neither. Which
        fields make a topic and which of the five stages a phase is said by the vocabularies
        `welfare_topic` and `project_phase`.
    """
    tk.check_access("govopen_disclosure_topic_matrix", context, data_dict)
    no_unknown(data_dict)
    topics, phases = _parts("welfare_topic", "domains"), _parts("project_phase", "stages")
    gathered = {domain for domains in topics.values() for domain in domains}
    rows = [one for one in store.items(model.Session) if one["fields"].get("domain") in gathered]
    carried = {(r["unit_id"], r["entry_code"]): r["fields"].get("five_open") or () for r in rows}
    world = standard_world.world(model.Session, rows, whole=False)
    cells = by_topic(world, lambda one: carried[one.unit_id, one.code], topics, phases)
    items = [
        {
            "topic": topic,
            "domains": list(domains),
            "phases": {phase: asdict(cells[topic, phase]) for phase in phases},
        }
        for topic, domains in topics.items()
    ]
    return {"items": items, "gaps": sum(cell.is_gap for cell in cells.values())}


def _parts(name: str, extra: str) -> dict[str, Sequence[str]]:
    """What each code of a vocabulary gathers."""
    found: dict[str, Any] = {term.code: term.extra[extra] for term in vocabulary(name)}
    return found


def _coverage_views(rows: Sequence[Row], found: Sequence[Coverage]) -> list[dict[str, Any]]:
    names = {row["unit_id"]: row["unit_name"] for row in rows}
    by_place = {(one.unit_id, one.domain): one for one in found}
    carried: dict[tuple[str, str], list[Sequence[str]]] = {}
    for row in rows:
        place = (row["unit_id"], str(row["fields"].get("domain") or ""))
        carried.setdefault(place, []).append(row["fields"].get("five_open") or ())
    views = []
    for (unit_id, domain), stages in sorted(carried.items(), key=lambda one: one[0]):
        one = by_place.get((unit_id, domain), Coverage(unit_id, domain, {}))
        views.append(
            {
                "unit_id": unit_id,
                "unit_name": names[unit_id],
                "domain": domain,
                **{term.code: one.counts.get(term.code, 0) for term in vocabulary("fulfilment")},
                "numerator": one.numerator,
                "denominator": one.denominator,
                "stages": {
                    stage: sum(stage in each for each in stages)
                    for stage in vocabulary("five_open").codes
                },
            }
        )
    return sorted(views, key=lambda view: (view["unit_name"], view["domain"]))


@tk.side_effect_free
def govopen_disclosure_gap_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """What is owed between 权责清单, 标准目录 and publication, each gap with its unit and record.

    Args:
        unit: only gaps of this unit.
        kind: a code of the vocabulary `standard_gap`.
        limit, cursor: as in every list.

    Returns:
        `{items: [{kind, level, unit_id, unit_name, domain, item_code, source_type, source_code,
        name, due_on}], counts: {kind: n}, next_cursor}`; the counts are those of all gaps that the
        asker may see.
    """
    tk.check_access("govopen_disclosure_gap_list", context, data_dict)
    no_unknown(data_dict, "unit", "kind", "limit", "cursor")
    unit_id = unit_id_of(data_dict["unit"]) if data_dict.get("unit") else None
    kind = _code("standard_gap", data_dict.get("kind"), "kind")
    limit, at = page_limit(data_dict, most=10_000), cursor_number(data_dict)
    rows = store.items(model.Session)
    # Of the whole region: an item of one unit may answer for a source of another.
    world = standard_world.world(model.Session, rows)
    found = [gap for gap in standard_gaps.gaps(world) if unit_id in (None, gap.unit_id)]
    chosen = [gap for gap in found if kind is None or gap.kind == kind]
    part = [{"at": at + number + 1, "gap": gap} for number, gap in enumerate(chosen[at:])]
    names = _Names(rows, world)
    result = page(part[: limit + 1], limit, lambda one: (one["at"],), names.view)
    counts = dict.fromkeys(vocabulary("standard_gap").codes, 0)
    for gap in found:
        counts[gap.kind] += 1
    return {**result, "counts": counts}


class _Names:
    """Names of what gaps are about."""

    def __init__(self, rows: Sequence[Row], world: World) -> None:
        self._items = {(row["unit_id"], row["entry_code"]): row["name"] for row in rows}
        self._units = {
            str(row["unit_id"]): row["name"] for row in units_store.everyone(model.Session)
        }
        self._sources = {(one.type, one.code): one.name for one in world.sources}

    def view(self, one: Mapping[str, Any]) -> dict[str, Any]:
        gap: Gap = one["gap"]
        return {
            "kind": gap.kind,
            "level": vocabulary("standard_gap")[gap.kind].extra["level"],
            "unit_id": gap.unit_id or None,
            "unit_name": self._units.get(gap.unit_id),
            "domain": gap.domain or None,
            "item_code": gap.item_code or None,
            "source_type": gap.source_type or None,
            "source_code": gap.source_code or None,
            "name": self._name(gap),
            "due_on": gap.due_on.isoformat() if gap.due_on else None,
        }

    def _name(self, gap: Gap) -> str | None:
        item = self._items.get((gap.unit_id, gap.item_code))
        return item or self._sources.get((gap.source_type, gap.source_code))


@tk.side_effect_free
def govopen_disclosure_unit_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Units that have published neither a standard catalogue nor a basic catalogue yet.

    Args:
        limit, cursor: of the page; without `limit` all of them.
    """
    tk.check_access("govopen_disclosure_unit_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    return part(store.units_without(model.Session, LISTS), data_dict)
