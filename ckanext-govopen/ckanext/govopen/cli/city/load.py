"""Loads the fictional city through the actions, with the guard on and the clock turned back.

Its officer imports, its approver decides: no fixture SQL, no publishing without a review. Only on a
database that is stamped as demo or test, where the clock can be set.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from datetime import time as clock_time
from functools import partial
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import sqlalchemy as sa
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.cli.city import content, duties
from ckanext.govopen.cli.city.load_lists import ListLoader
from ckanext.govopen.cli.city.units import Officer, Unit
from ckanext.govopen.cli.city.wording import dice, pick, wording
from ckanext.govopen.logic import accounts, checklist, intake, search

OFFICER, APPROVER, KEEPER = "officer", "approver1", "data-authority"
OFFICE = "disclosure-office"
MORNING = clock_time(9, 30)
EDITION = "{day:%Y}年{day.month}月{day.day}日数据更新"


class Loader:
    """One run over the city's timeline; what is loaded already is not loaded again.

    Args:
        seed, size, today: of `content.plan`; `today` defaults to the date of the clock.
        progress_file: JSON file that says how far it is; default `city.json` in the data folder.
    """

    def __init__(
        self, seed: int, size: str, today: date | None, progress_file: Path | None
    ) -> None:
        if not clock.is_settable():
            raise click.ClickException(
                "This database is not a demo or test one: its clock cannot be set."
            )
        self._plan = content.plan(seed, size, today or clock.today())
        self._progress_file = progress_file or config.data_path() / "city.json"
        self._unit_ids: dict[str, str] = {}
        self._entries: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._lists = ListLoader(OFFICER, partial(_run, OFFICER), self._unit_ids)
        self._done: Counter[str] = Counter()
        self._started = time.monotonic()

    def run(self) -> dict[str, Any]:
        """Loads everything up to today and gives the clock back."""
        steps: Mapping[str, Callable[[Any], None]] = {
            "unit": self._unit,
            "no_data": self._no_data,
            "reform": self._reform,
            "adjustment": self._adjustment,
            "publish": self._publish,
            "refresh": self._refresh,
            "withdraw": self._withdraw,
            "lists": self._adjust_lists,
            "look": self._look,
        }
        accounts.bootstrap(None)
        timeline = [event for event in self._plan.timeline() if event.kind in steps]
        begin = self._resume(timeline)
        try:
            with _unhurried_commits(), intake.readers_ahead():
                for number, event in enumerate(timeline[begin:], begin):
                    self._set_clock(event.date)
                    self._say(number, len(timeline), "loading")
                    steps[event.kind](event)
                    self._done[event.kind] += 1
                self._duties()
        finally:
            model.Session.rollback()
            clock.set_to(None)
            model.Session.commit()
        search.drain_all()  # who is told that the city is there finds it
        return self._say(len(timeline), len(timeline), "done")

    def _resume(self, timeline: Sequence[content.Event]) -> int:
        """How many events an earlier run finished; what they made is looked up again."""
        if not self._progress_file.exists():
            return 0
        done = int(json.loads(self._progress_file.read_text(encoding="utf-8"))["step"])
        for event in timeline[:done]:
            self._done[event.kind] += 1
            if event.kind == "unit":
                unit = self._plan.unit[event.keys[0]]
                self._unit_ids[unit.key] = _run(KEEPER, "govopen_unit_show", {"id": unit.slug})[
                    "id"
                ]
        for unit_key in {event.keys[0] for event in timeline[:done] if event.kind == "unit"}:
            self._remember_entries(unit_key)
        return done

    def _set_clock(self, day: date) -> None:
        """The day of the next event; with it the one before it is on disk, and may be counted."""
        model.Session.execute(sa.text("SET LOCAL synchronous_commit TO on"))
        clock.set_to(datetime.combine(day, MORNING, clock.SITE_ZONE))
        model.Session.commit()

    def _say(self, number: int, total: int, state: str) -> dict[str, Any]:
        seconds = round(time.monotonic() - self._started, 1)
        facts = {"state": state, "step": number, "steps": total, "seconds": seconds, **self._done}
        waiting = self._progress_file.with_suffix(".tmp")
        waiting.write_text(json.dumps(facts), encoding="utf-8")
        waiting.replace(self._progress_file)
        return facts

    def _duties(self) -> None:
        """The city's last quarter, once its records are there."""
        today = self._plan.today
        there = {
            unit.slug: self._unit_ids[unit.key]
            for unit in self._plan.units
            if unit.exists_on(today) and unit.key in self._unit_ids
        }

        def name(subject: str, unit_id: str) -> None:
            _run(OFFICE, "govopen_duty_subject_update", {"subject": subject, "unit": unit_id})

        duties.fill(there, today, self._plan.seed, turn=self._set_clock, name=name)

    # --- the events ------------------------------------------------------------------------------

    def _unit(self, event: content.Event) -> None:
        unit = self._plan.unit[event.keys[0]]
        found = _run(KEEPER, "govopen_unit_create", _unit_facts(unit, self._unit_ids))
        self._unit_ids[unit.key] = found["id"]
        accounts.join_unit(OFFICER, found["id"])

    def _no_data(self, event: content.Event) -> None:
        """One office declares, the other one approves."""
        unit = self._plan.unit[event.keys[0]]
        if unit.no_data_declared is None:
            return
        about = {"unit": self._unit_ids[unit.key]}
        declared = {"reason": unit.no_data_declared.reason}
        due = unit.no_data_declared.review_due.isoformat()
        _run(OFFICE, "govopen_no_data_declare", {**about, **declared, "review_due": due})
        _run(KEEPER, "govopen_no_data_decide", {**about, "decision": "approve"})

    def _reform(self, event: content.Event) -> None:
        reform = next(each for each in self._plan.reforms if each.key == event.keys[0])
        if reform.kind != "rename" and (
            reform.source not in self._unit_ids or reform.target not in self._unit_ids
        ):
            return
        _run(
            KEEPER,
            "govopen_unit_reform",
            {
                "unit": self._unit_ids[reform.source],
                "kind": reform.kind,
                "date": reform.date.isoformat(),
                "basis": reform.basis_doc,
                "name": reform.new_name,
                "other": self._unit_ids.get(reform.target or ""),
            },
        )

    def _adjustment(self, event: content.Event) -> None:
        adjustment = next(each for each in self._plan.adjustments if each.key == event.keys[0])
        act = {
            "basis": adjustment.basis_doc,
            "reason": adjustment.reason,
            "effective_on": adjustment.effective_on.isoformat(),
        }
        with TemporaryDirectory() as folder:
            path = Path(folder) / adjustment.file_name
            content.write_inventory_workbook(self._plan, adjustment, path)
            with path.open("rb") as stream:
                upload = FileStorage(stream, filename=path.name)
                report = _run(
                    OFFICER,
                    "govopen_inventory_import",
                    {
                        "upload": upload,
                        "unit": self._unit_ids[adjustment.unit_key],
                        "submit": True,
                        **act,
                    },
                )
        if report["state"] != "applied":
            raise click.ClickException(
                f"{path.name}: {report.get('error') or report['problems'][:3]}"
            )
        self._remember_entries(adjustment.unit_key)
        self._approve(report["case_id"], adjustment.approved_on)
        if adjustment.cancelled:
            self._cancel(adjustment, act)

    def _cancel(self, adjustment: Any, act: Mapping[str, str]) -> None:
        """An heir also cancels lines that its predecessor registered: each in its own register."""
        retired = [
            _run(OFFICER, "govopen_data_resource_retire", {"id": self._entries[key]})
            for key in adjustment.cancelled
        ]
        for unit_id in sorted({entry["unit_id"] for entry in retired}):
            case = _run(OFFICER, "govopen_inventory_submit", {"unit": unit_id, **act})
            self._approve(case["id"])

    def _remember_entries(self, unit_key: str) -> None:
        """Which entry each row of the plan became, by its resource code."""
        codes = {row.res_code: row.key for row in self._plan.resources if row.unit_key == unit_key}
        cursor = ""
        while cursor is not None:
            page = _run(
                OFFICER,
                "govopen_data_resource_list",
                {
                    "unit": self._unit_ids[unit_key],
                    "limit": 1000,
                    "cursor": cursor,
                },
            )
            for item in page["items"]:
                if item["res_code"] in codes:
                    self._entries[codes[item["res_code"]]] = item["entry_code"]
            cursor = page["next_cursor"]

    def _publish(self, event: content.Event) -> None:
        ids = [self._draft(self._plan.dataset[key]) for key in event.keys]
        model.repo.commit()
        self._packages.update(zip(event.keys, ids, strict=True))
        case = _run(OFFICER, "govopen_review_submit", {"datasets": ids})
        self._approve(case["id"])

    def _draft(self, dataset: Any) -> str:
        unit_id = self._unit_ids[dataset.unit_key]
        context = {**_context(OFFICER), "defer_commit": True, "return_id_only": True}
        package_id: str = tk.get_action("package_create")(
            context,
            {
                "type": "dataset",
                "title": dataset.title,
                "notes": dataset.abstract,
                "owner_org": unit_id,
                "license_id": dataset.licence,
                "tags": [{"name": tag} for tag in dataset.tags],
                "open_type": dataset.open_type,
                "open_condition": dataset.open_condition or "",
                "update_cycle": dataset.update_cycle,
                "data_domain": dataset.domain,
                "entry_codes": [
                    self._entries[key] for key in dataset.resource_keys if key in self._entries
                ],
                "contact_name": dataset.contact_name,
                "contact_phone": dataset.contact_phone,
                "contact_email": dataset.contact_email,
                "spatial": dataset.spatial,
                "resources": [_resource(file) for file in dataset.files],
            },
        )
        return package_id

    def _refresh(self, event: content.Event) -> None:
        """The new editions of a unit on one day: a revision for each dataset, one case for all."""
        revisions = [
            self._edition(self._plan.dataset[key], event.date)
            for key in event.keys
            if key in self._packages
        ]
        if revisions:
            case = _run(OFFICER, "govopen_review_submit", {"revisions": revisions})
            self._approve(case["id"])

    def _edition(self, dataset: Any, day: date) -> str:
        """New files of a dataset, each in place of the one before it."""
        package_id = self._packages[dataset.key]
        shown = _run(OFFICER, "package_show", {"id": package_id})
        edition = next(each for each in dataset.refreshes if each.date == day)
        resources = [
            {"id": resource["id"], "upload": _resource(file)["upload"]}
            for resource, file in zip(shown["resources"], edition.files, strict=True)
        ]
        revision = _run(
            OFFICER,
            "govopen_pending_revision_create",
            {"id": package_id, "note": EDITION.format(day=day), "resources": resources},
        )
        return str(revision["id"])

    def _withdraw(self, event: content.Event) -> None:
        dataset = self._plan.dataset[event.keys[0]]
        if dataset.key in self._packages:
            _run(
                APPROVER,
                "govopen_publication_withdraw",
                {
                    "id": self._packages[dataset.key],
                    "ground": dataset.withdrawal.ground,
                    "reason": dataset.withdrawal.reason,
                },
            )

    def _adjust_lists(self, event: content.Event) -> None:
        one = self._plan.list_adjustment[event.keys[0]]
        self._approve(self._lists.hand_in(one), one.approved_on)

    def _look(self, event: content.Event) -> None:
        unit_key, register_type = event.keys
        notes: list[str] = wording("lists")["adjust"]["looked"]
        note = pick(dice(self._plan.seed, "looked", *event.keys, event.date), notes)
        self._lists.look(unit_key, register_type, note)

    def _approve(self, case_id: str | None, approved_on: date | None = None) -> None:
        if case_id:
            decision = {"id": case_id, "decision": "approve", "checklist": checklist.all_no()}
            if approved_on is not None:
                decision["approved_on"] = approved_on.isoformat()
            _run(APPROVER, "govopen_review_decide", decision)


@contextmanager
def _unhurried_commits() -> Iterator[None]:
    """Connections made meanwhile do not wait for the disk at each commit: `_set_clock` does."""
    before = os.environ.get("PGOPTIONS")
    os.environ["PGOPTIONS"] = f"{before or ''} -c synchronous_commit=off".strip()
    _reconnect()
    try:
        yield
    finally:
        if before is None:
            del os.environ["PGOPTIONS"]
        else:
            os.environ["PGOPTIONS"] = before
        model.Session.rollback()
        _reconnect()


def _reconnect() -> None:
    model.Session.close()
    model.meta.engine.dispose()


def _context(user: str) -> dict[str, Any]:
    return {"user": user, "auth_user_obj": model.User.get(user), "govopen_demo_city": True}


def _run(user: str, action: str, parameters: Mapping[str, Any]) -> Any:
    return tk.get_action(action)(_context(user), dict(parameters))


def _unit_facts(unit: Unit, known: Mapping[str, str]) -> dict[str, Any]:
    name = unit.names[0]
    facts: dict[str, Any] = {
        "name": name.name,
        "short_name": name.short_name,
        "slug": unit.slug,
        "kind": unit.kind,
        "level": unit.level,
        "region_code": unit.region_code,
        "valid_from": unit.valid_from.isoformat(),
        "in_scope_opening": [
            {"from": start.isoformat(), "to": end.isoformat() if end else None}
            for start, end in unit.in_scope
        ],
        "officers": [_officer(each) for each in unit.officers],
        "doc_prefixes": list(unit.doc_prefixes),
        "basis": "云编发〔2016〕1号",
        "from_on": unit.valid_from.isoformat(),
    }
    if unit.uscc:
        facts["uscc"] = unit.uscc
    if unit.local_code:
        facts["local_scheme"], facts["local_code"] = unit.local_code
    if unit.parent in known:
        facts["parent_id"] = known[str(unit.parent)]
    return facts


def _officer(each: Officer) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "name": each.name,
        "title": each.title,
        "from": each.valid_from.isoformat(),
        "to": None,
        "public": each.public,
    }


def _resource(file: Any) -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / file.name
        file.write(path)
        upload = FileStorage(BytesIO(path.read_bytes()), filename=file.name)
    return {"name": file.title, "format": file.format.upper(), "upload": upload, "url": file.name}
