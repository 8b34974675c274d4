"""Asks a surface as somebody and compares: what an answer names, and whether it tells two things apart.

An answer is the status, the headers, the body (unpacked where it is an archive), where it leads, the
log lines and the SQL statements that it took.
"""

from __future__ import annotations

import gzip
import io
import logging
import re
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa
from surfaces import Surface
from world import OUTSIDERS, ROLES, WAITING, Dataset, World, absent_word, reads

import ckan.model as model

if TYPE_CHECKING:
    from mail_server import MailServer

# Of two equal answers these differ: a form's token, an error's number, lengths, cookies, moments.
PASSING = re.compile(
    r'\b[0-9a-f]{12}\b|(?<=name="_csrf_token" content=")[^"]*|(?<=name="_csrf_token" value=")[^"]*'
)
MAILBOX: MailServer | None = None  # what the application mailed, while these tests run
# part of the matrix -> `asked` of its `cells`, and the `leaks` that were found
COUNTED: dict[str, Counter[str]] = {}
PASSING_HEADERS = ("Content-Length", "Set-Cookie", "Date", "ETag")
CONVERTER = re.compile(r"<(?:[^:<>]*:)?([a-z_]+)>")


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    text: str
    statements: list[str] = field(default_factory=list)
    logged: str = ""
    mailed: str = ""

    @property
    def told(self) -> str:
        """Everything that reaches who asked."""
        return "\n".join([*(f"{k}: {v}" for k, v in self.headers.items()), self.text])


@dataclass(frozen=True)
class Asked:
    """With what was asked, and what came back."""

    path: str
    given: dict[str, str]
    answer: Answer


# --- asking --------------------------------------------------------------------------------------


def things(one: World, dataset: Dataset | None) -> dict[str, str]:
    """What stands for the words in braces of the matrix; without a dataset, of one that never was."""
    a = one.a
    found = {
        "unit": a.unit_id,
        "unit_name": a.unit_id,
        "group": one.group,
        "mark": one.mark,
        "person": a.name("officer"),
        "entry": one.entry,
        "unseen": one.unseen,
        "hidden_entry": one.hidden_entry,
        "register": one.register,
        "adjustment": one.adjustment,
        "list_import": one.list_import,
        "harvest_source": one.harvest_source,
        "harvest_job": one.harvest_job,
        "harvest_guid": one.harvest_guid,
        "harvest_dead": one.harvest_dead,
        "absent": absent_word(),
        "import": str(uuid4()),
        "revision": str(uuid4()),
        "rule": str(uuid4()),
    }
    if dataset is None:
        ids = ("package", "resource", "view", "activity", "case")
        return (
            found
            | {name: str(uuid4()) for name in ids}
            | dict.fromkeys(("name", "tag"), found["absent"])
        )
    return found | {
        "package": dataset.id,
        "name": dataset.name,
        "resource": dataset.resource,
        "view": dataset.view,
        "activity": dataset.activity,
        "case": dataset.case or str(uuid4()),
        "tag": dataset.tag,
        # the same people read it: a draft and a change that waits beside something public
        "revision": one.revision if dataset.state == "draft" else found["revision"],
    }


def filled(value: Any, given: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(\w+)\}", lambda found: given[found[1]], value)
    if isinstance(value, dict):
        return {name: filled(part, given) for name, part in value.items()}
    if isinstance(value, list):
        return [filled(part, given) for part in value]
    return value


def call(one: World, role: str, action: str, parameters: Mapping[str, Any]) -> Answer:
    """One action by the API, as a POST with a JSON body."""
    return _request(one, role, "POST", f"/api/3/action/{action}", json=dict(parameters))


def open_page(one: World, role: str, path: str, method: str = "GET") -> Answer:
    return _request(one, role, method, path, **({"data": {}} if method == "POST" else {}))


def _request(one: World, role: str, method: str, path: str, **rest: Any) -> Answer:
    model.Session.remove()
    mailed = len(MAILBOX.mails) if MAILBOX else 0
    with _counted() as statements, _logged() as lines:
        found = one.application.test_client().open(
            path, method=method, headers=one.headers[role], **rest
        )
        body = found.get_data()
    headers = {k: v for k, v in found.headers.items() if k not in PASSING_HEADERS}
    mail = MAILBOX.text(mailed) if MAILBOX else ""
    return Answer(found.status_code, headers, _unpacked(body), statements, "\n".join(lines), mail)


def count(part: str, *, asked: int, cells: int, found: int) -> None:
    """Adds to what the summary of a run says."""
    figures = {"asked": asked, "cells": cells, "leaks": found}
    COUNTED.setdefault(part, Counter()).update(figures)


@contextmanager
def _counted() -> Iterator[list[str]]:
    """The SQL statements of what runs inside, without their parameters."""
    taken: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        taken.append(statement)

    sa.event.listen(model.meta.engine, "before_cursor_execute", note)
    try:
        yield taken
    finally:
        sa.event.remove(model.meta.engine, "before_cursor_execute", note)


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@contextmanager
def _logged() -> Iterator[list[str]]:
    """What is written to the log meanwhile, at the level of a running site."""
    handler = _Lines()
    loggers = [logging.getLogger(name) for name in (None, "ckan", "ckanext", "werkzeug")]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        for logger in loggers:
            logger.removeHandler(handler)


def _unpacked(body: bytes) -> str:
    """The text of a body; of an archive, that of its members."""
    if body.startswith(b"\x1f\x8b"):
        body = gzip.decompress(body)
    if body.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            body = b"\n".join(archive.read(name) for name in archive.namelist())
    return body.decode("utf-8", errors="replace")


def paths(surface: Surface, given: Mapping[str, str]) -> list[str]:
    """The addresses with which a rule is asked: its line's own, else its parts filled in."""
    if surface.ask:
        return [filled(path, given) for path in surface.ask]
    return [CONVERTER.sub(lambda found: given[_part(surface.name, found[1])], surface.name)]


def _part(rule: str, name: str) -> str:
    """Which thing of the fixture a part of an address names."""
    first = rule.strip("/").split("/")[0]
    if name in ("id", "_id", "name") and first in (
        "dataset",
        "dataset_series",
        "workbench",
        "file",
    ):
        return "name"
    if name == "id":
        return {"user": "person", "organization": "unit", "group": "group"}[first]
    return {
        "resource_id": "resource",
        "view_id": "view",
        "activity_id": "activity",
        "case_id": "case",
        "unit_id": "unit",
        "entry_code": "entry",
        "register_id": "register",
        "draft_id": "adjustment",
        "import_id": "import",
        "record_id": "package",
        "revision_id": "revision",
        "rule_id": "rule",
    }.get(name, name)


# --- judging -------------------------------------------------------------------------------------


def leaks(
    one: World,
    role: str,
    answer: Answer,
    given: Mapping[str, str] | None = None,
    *,
    in_case: bool = False,
) -> list[str]:
    """What an answer names of datasets that its reader may not read: state and field of each.

    Args:
        given: what was asked with; an echo of it is not a leak.
        in_case: the answer is about cases, where reviewers see what was put before them, also
            after they returned it.
    """
    told, logged = answer.told, answer.logged
    for echo in sorted(filter(None, (given or {}).values()), key=len, reverse=True):
        if echo != one.mark:
            told, logged = told.replace(echo, ""), logged.replace(echo, "")
    judged = in_case and ROLES[role] == "reviewers"
    hidden = [
        dataset
        for dataset in one.datasets.values()
        if not reads(role, dataset.state) and not (judged and dataset.case)
    ]
    found = []
    for dataset in hidden:
        words = re.findall(rf"{one.mark}{dataset.state}([a-z]+)", told)
        found += [f"{dataset.state}: {where}" for where in sorted(set(words))]
        for what in ("id", "name", "resource", "view", "case", "activity"):
            value = getattr(dataset, what)
            if value and value in told:
                found.append(f"{dataset.state}: {what}")
    if not reads(role, WAITING):
        words = set(re.findall(rf"{one.mark}{WAITING}([a-z]+)", told))
        if words and not (judged and _is_in_case(one)):
            found += [f"{WAITING}: {where}" for where in sorted(words)]
    if role in OUTSIDERS:
        found += _texts_without_review(one, role, told)
    # a log is read by other people than a dataset: ids may stand in it, content may not
    found += [f"log: {word}" for word in sorted(set(re.findall(rf"{one.mark}[a-z]+", logged)))]
    # a mail leaves the site: it may name its reader, never anything of a dataset
    words = set(re.findall(rf"{one.mark}(?!person)[a-z]+", answer.mailed))
    found += [f"mail: {word}" for word in sorted(words)]
    return found


def _is_in_case(one: World) -> bool:
    """True once somebody who was asked in turn has submitted what waited."""
    with one.application.test_request_context("/"):
        sql = "SELECT case_id FROM govopen_review WHERE record_id = :id AND record_type = :type"
        found = model.Session.execute(sa.text(sql), {"id": one.revision, "type": "revision"})
        return bool(found.scalar())


def _texts_without_review(one: World, role: str, told: str) -> list[str]:
    """What no case has approved: rows of the inventory that stay opaque, what accounts say."""
    found = [f"entry: {where}" for where in set(re.findall(rf"{one.mark}entry([a-z]+)", told))]
    if f"{one.mark}personabout" in told:
        found.append("person: about")
    names = set(re.findall(rf"{one.mark}person([a-z0-9-]+)", told)) - {"about"}
    return found + (["person: name"] if names and not one.headers[role] else [])


def leads_to_login(answer: Answer) -> bool:
    return answer.status == 302 and "/user/login" in answer.headers["Location"]


def difference(hidden: Asked, absent: Asked) -> str:
    """How an answer about something hidden differs from one about nothing; empty: it does not."""
    one, other = hidden.answer, absent.answer
    if one.status != other.status:
        return f"status {one.status}, absent {other.status}"
    a, b = _plain(one.told, hidden.given), _plain(other.told, absent.given)
    if a != b:
        return "text: " + _first_difference(a, b)
    if one.statements != other.statements:
        a, b = "\n".join(one.statements), "\n".join(other.statements)
        counted = f"{len(one.statements)} queries, absent {len(other.statements)}: "
        return counted + _first_difference(a, b)
    return ""


def _plain(told: str, given: Mapping[str, str]) -> str:
    for value in sorted(set(filter(None, given.values())), key=len, reverse=True):
        told = told.replace(value, "…")
    return PASSING.sub("", told)


def _first_difference(a: str, b: str) -> str:
    place = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    return f"{a[max(0, place - 60) : place + 80]!r} / {b[max(0, place - 60) : place + 80]!r}"


def said(problems: Sequence[str]) -> str:
    return "\n" + "\n".join(problems)
