"""The checks of the data in datasets and revisions: their facts, and what was told of a case.

Facts come from what the scan noted; no file is read here. A number of records costs a fixed number
of statements. What a case was told is kept when its scan has ended, so that whoever decides sees
what the unit saw.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock
from ckanext.govopen.domain import dataset_checks as rules
from ckanext.govopen.domain import datasets as description
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.scan import VERSION
from ckanext.govopen.domain.scan_facts import Table
from ckanext.govopen.logic import labels
from ckanext.govopen.logic.findings import render
from ckanext.govopen.logic.scans import Record, Subject
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import scan as store

UNNAMED = "unnamed_dataset"  # of the vocabulary `same_content`
MOST_TOLD = 3  # records whose warnings of one code are told one by one
NAMES = ("name_zh", "name_en", "code")

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """A finding about the data of one record."""

    record_id: str
    finding: Finding


def of_records(session: Session, records: Sequence[Record]) -> list[Told]:
    """What the checks say of records; of a file that is not scanned yet they know only its hash."""
    if not records:
        return []
    facts, today = _Facts(session, records), clock.today()
    return [
        Told(record.id, finding)
        for record in records
        for finding in (
            *rules.check(facts.of(record), today),
            *description.advice(_said(record), record.tags),
        )
    ]


def _said(record: Record) -> dict[str, Any]:
    """The fields of a dataset, those in its extras among them."""
    return {**record.fields, **(record.fields.get("extras") or {})}


def refusals(session: Session, records: Sequence[Record]) -> tuple[Finding, ...]:
    """Those findings that stand in the way of records."""
    return tuple(one.finding for one in of_records(session, records) if one.finding.is_refusal)


class _Facts:
    """What the database knows about the data of some records."""

    def __init__(self, session: Session, records: Sequence[Record]) -> None:
        digests = sorted({one.name for record in records for one in record.files})
        packages = [str(record.fields.get("id")) for record in records]
        earlier = datasets_store.last_public_files(session, packages) if digests else []
        self._earlier = {str(row["resource_id"]): str(row["sha256"]) for row in earlier}
        asked = sorted({*digests, *self._earlier.values()})
        self._scans = store.scans(session, asked, VERSION) if asked else {}
        # The dataset itself may be among them, and one more says that there are more.
        most = rules.MOST_TWINS + 2
        places = datasets_store.same_content(session, digests, most) if digests else []
        self._places = _by(places, "sha256")
        codes = sorted({str(code) for record in records for code in record.listed("entry_codes")})
        marked = datasets_store.marked_items(session, codes, rules.FORBIDDEN) if codes else []
        self._marked = _by(marked, "entry_code")

    def of(self, record: Record) -> rules.Data:
        """A record as the checks see it."""
        return rules.Data(
            title=str(record.fields.get("title") or ""),
            license_id=record.fields.get("license_id"),
            items=tuple(map(_item, record.listed("items"))),
            marked=tuple(
                _item(row["item"])
                for code in record.listed("entry_codes")
                for row in self._marked.get(str(code), ())
            ),
            files=tuple(self._file(record, one) for one in record.files),
        )

    def _file(self, record: Record, subject: Subject) -> rules.File:
        resource_id = str(subject.resource_id)
        scan = self._scans.get(subject.name)
        before = self._scans.get(self._earlier.get(resource_id, ""))
        own = str(record.fields.get("id"))
        others = (str(row["package_id"]) for row in self._places.get(subject.name, ()))
        return rules.File(
            resource_id=resource_id,
            label=subject.label,
            sha256=subject.name,
            tables=tuple(_tables(scan)),
            rows=_rows(scan),
            encoding=scan["encoding"] if scan else None,
            earlier_rows=_rows(before),
            others=tuple(other for other in others if other != own),
        )


def _by(rows: Sequence[Row], name: str) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row[name]), []).append(row)
    return found


def _item(item: Row) -> rules.Item:
    return rules.Item(
        names=tuple(str(item[name]) for name in NAMES if item.get(name)),
        sensitive=str(item.get("sensitive") or "none"),
        is_withheld=item.get("open_type") == rules.WITHHELD,
    )


def _tables(scan: Row | None) -> Iterator[Table]:
    """The tables of a scan; one from before they were noted has only the names of columns."""
    if scan is None:
        return
    if scan["tables"] is None:
        yield Table(None, tuple(scan["columns"]), 0)
        return
    for one in scan["tables"]:
        columns, masked = tuple(one["columns"]), tuple(one["masked"])
        yield Table(
            one["sheet"],
            columns,
            one["rows"],
            masked,
            one["newest"],
            uneven=tuple(one.get("uneven") or ()),
            uneven_rows=one.get("uneven_rows") or 0,
            unclosed=one.get("unclosed"),
        )


def _rows(scan: Row | None) -> int | None:
    if scan is None or not scan["tables"]:
        return None
    return sum(int(one["rows"]) for one in scan["tables"])


# --- of a case -----------------------------------------------------------------------------------


def keep(session: Session, case_id: str, records: Sequence[Record]) -> None:
    """Keeps what the checks say of the records of a case."""
    review_store.set_told(
        session,
        case_id,
        [
            {
                "record_id": one.record_id,
                "code": one.finding.code,
                "field": one.finding.field,
                "value": one.finding.value,
                "params": dict(one.finding.params),
            }
            for one in of_records(session, records)
        ],
    )


def of_case(session: Session, case: Row, records: Sequence[Record]) -> list[Told]:
    """What a case was told; while its scan runs, what the checks say now."""
    if case["told"] is None:
        return of_records(session, records)
    return [
        Told(one["record_id"], Finding(one["code"], one["field"], one["value"], one["params"]))
        for one in case["told"]
    ]


def views(session: Session, user: Any, found: Sequence[Told]) -> dict[str, list[dict[str, Any]]]:
    """Findings as they are shown, of each `{record_id, resource_id, label, code, field, text}`.

    Another dataset is named to those who may read it, and to nobody else.

    Returns:
        `{refusals, warnings}`, one by one.
    """
    named = _named(session, user, found)
    return {
        "refusals": [_view(one, named) for one in found if one.finding.is_refusal],
        "warnings": [_view(one, named) for one in found if not one.finding.is_refusal],
    }


def together(session: Session, warnings: Sequence[Row]) -> list[dict[str, Any]]:
    """Equal warnings of several records as one: of how many `records`, with the first `titles`.

    Of one code those that begin with a few records are told; the last of them says how many there
    are `further`, which each record tells of itself.
    """
    equal: dict[tuple[object, ...], list[Row]] = {}
    times: Counter[tuple[object, ...]] = Counter()
    for one in warnings:
        said = one["code"], one["text"]
        times[one["record_id"], said] += 1
        equal.setdefault((said, times[one["record_id"], said]), []).append(one)
    told: dict[str, list[dict[str, Any]]] = {}
    for group in equal.values():
        first, of_code = group[0], told.setdefault(group[0]["code"], [])
        begun = {one["record_id"] for one in of_code}
        if len(begun | {first["record_id"]}) > MOST_TOLD:
            of_code[-1]["further"] += len(group)
        else:
            ids = [one["record_id"] for one in group]
            of_code.append({**first, "records": len(ids), "titles": ids[:MOST_TOLD], "further": 0})
    found = [one for of_code in told.values() for one in of_code]
    named = review_store.titles(session, [each for one in found for each in one["titles"]])
    return [{**one, "titles": [named.get(each) for each in one["titles"]]} for one in found]


def _named(session: Session, user: Any, found: Sequence[Told]) -> dict[str, str]:
    ids = sorted({str(one.finding.params["dataset"]) for one in found if _is_of_two(one)})
    if not ids:
        return {}
    hidden = set(labels.unreadable_ids(user, ids))
    owners = datasets_store.owners(session, [one for one in ids if one not in hidden])
    return {package_id: str(row["title"] or row["name"]) for package_id, row in owners.items()}


def _is_of_two(one: Told) -> bool:
    return "dataset" in one.finding.params


def _view(one: Told, named: Mapping[str, str]) -> dict[str, Any]:
    finding = one.finding
    params = dict(finding.params)
    if _is_of_two(one):
        params["other"] = named.get(str(params.pop("dataset")), UNNAMED)
    return {
        "record_id": one.record_id,
        "resource_id": params.get("resource"),
        "label": params.get("file", ""),
        "code": finding.code,
        "field": finding.field,
        "text": render(replace(finding, params=params)),
    }
