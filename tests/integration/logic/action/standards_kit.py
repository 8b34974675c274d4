"""Catalogues and lists of several units, published through one case, for tests of the standard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

from publishing_kit import Office

import ckan.model as model

from ckanext.govopen import clock, config
from ckanext.govopen.logic import registers, review, units
from ckanext.govopen.model import registers as log

LIMIT = "信息形成或者变更之日起20个工作日内"
Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Lot:
    """Entries of one list of one unit that one version publishes: kind of change by code."""

    register_type: str
    unit_id: str
    entries: Mapping[str, Fields]
    change: str = "add"


def item(name: str, unit_name: str, **more: Any) -> dict[str, Any]:
    """The content of an item that can be handed in."""
    return {
        "domain": "health", "item_l1": "行政权力", "name": name, "content_elements": "依据；程序；结果",
        "legal_basis": [{"kind": "admin_regulation", "title": "政府信息公开条例", "doc_no": "国务院令第711号"}],
        "time_limit": LIMIT, "bodies": [unit_name], "bodies_raw": unit_name,
        "channels": ["gov_website"], "audience": "public", "mode": "active", "levels": ["city"],
        "five_open": ["result"], **more,
    }  # fmt: skip


def power(name: str, **more: Any) -> dict[str, Any]:
    basis = [{"title": "城市道路管理条例", "article": "第三十一条"}]
    return {"name": name, "power_type": "license", "legal_basis": basis, **more}


def open_units(office: Office, count: int) -> list[str]:
    """Further units of the city, founded long ago."""
    marks = [uuid4().hex[:8] for _ in range(count)]
    with office.application.test_request_context("/"):
        made = [
            units.create(
                model.Session,
                {
                    "name": f"试验局{mark}", "kind": "gov_organ", "level": "city",
                    "region_code": config.region_code(), "valid_from": date(2020, 1, 1),
                    "local_scheme": "test", "local_code": mark,
                },
                actor="test", at=clock.now(), basis="test",
            )
            for mark in marks
        ]  # fmt: skip
        model.repo.commit()
    return made


def end_unit(office: Office, unit_id: str, days_ago: int) -> None:
    """The unit exists no longer."""
    with office.application.test_request_context("/"):
        day = clock.today() - timedelta(days=days_ago)
        units.change(
            model.Session, unit_id, {"valid_to": day}, from_on=day, actor="test", at=clock.now(),
            basis="test", reason="test",
        )  # fmt: skip
        model.repo.commit()


def publish(office: Office, lots: Sequence[Lot], days_ago: int = 0) -> dict[tuple[str, str], str]:
    """Writes and publishes all lots by one case, in force so many days ago; gives register ids."""
    with office.application.test_request_context("/"):
        officer, session = office.user("officer").id, model.Session
        act = registers.Act(officer, clock.now(), "test", "test")
        found, versions = {}, []
        for lot in lots:
            made = log.ensure(session, lot.register_type, [lot.unit_id], config.region_code())
            register_id = found[lot.register_type, lot.unit_id] = made[lot.unit_id]
            day = clock.today() - timedelta(days=days_ago)
            changes = [_change(lot, code, fields, day) for code, fields in lot.entries.items()]
            registers.write(session, register_id, changes, act, lot.register_type)
            versions.append(
                registers.stage_version(session, register_id, list(lot.entries), act, day)
            )
        case_id = review.open_case(
            session, kind="batch", title="test", unit_ids=sorted({lot.unit_id for lot in lots}),
            records=[("register_version", version) for version in versions], actor=officer, reason=None,
        )  # fmt: skip
        review.submit_case(session, case_id, officer)
        model.repo.commit()
    office.approve(case_id)
    return found


def _change(lot: Lot, code: str, fields: Fields, day: date) -> registers.EntryChange:
    status = "cancelled" if lot.change == "cancel" else "in_force"
    return registers.EntryChange(code, lot.change, fields, status=status, effective_on=day)


@contextmanager
def in_the_past(office: Office, days: int) -> Iterator[None]:
    """The business clock of the test's database, so many days back."""
    with office.application.test_request_context("/"):
        day = clock.today() - timedelta(days=days)
        clock.set_to(datetime.combine(day, time(10), clock.SITE_ZONE))
        model.repo.commit()
    try:
        yield
    finally:
        with office.application.test_request_context("/"):
            clock.set_to(None)
            model.repo.commit()
