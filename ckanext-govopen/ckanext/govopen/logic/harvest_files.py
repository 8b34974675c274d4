"""Files of harvested drafts: kept under their SHA-256, from then on like any uploaded file.

A run brings what a source says of its files; this brings the files, one dataset at a time, after
the run and apart from its account. The scan reads them, the review sees them, and the gate's own
loader puts their rows into the DataStore: nothing here does. What is under review is left as it is,
and so is a file that somebody here has put in the place of the source's. What is public stays too:
a new edition waits beside it as a revision, or is taken as far as a refresh rule allows that two
people have approved for this source.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import State
from ckanext.govopen.logic import audit, blobs, datasets, files, refresh, search
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.fetch import parts_of
from ckanext.govopen.logic.harvest_datasets import (
    NOTE,
    context_of_system,
    quietly,
    revise,
    waiting_revision,
)
from ckanext.govopen.logic.harvest_faults import is_of_the_database, is_without_space
from ckanext.govopen.model import harvest as sources
from ckanext.govopen.model import harvest_files as store
from ckanext.govopen.model import jobs
from ckanext.govopen.model import review as review_store

TASK = "harvest.files"
SETTING = "files"
LONGEST_REASON = 500
NOT_WRITTEN = "harvest.E9"
SAME = "revisions.E2"
Row = Mapping[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Got:
    """What came of asking for one file.

    Args:
        kept: `{sha256, size, filename, media_type}` of the bytes; None when they are as before.
        code: why there are none.
    """

    row: Row
    kept: Mapping[str, Any] | None = None
    etag: str | None = None
    last_modified: str | None = None
    code: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return self.kept is not None and self.kept["sha256"] != self.row["sha256"]


def ask(session: Session, source_id: str) -> None:
    """Has the files of a source fetched behind the caller's transaction, where it wants that."""
    source = sources.source(session, source_id)
    if source is not None and source["settings"].get(SETTING):
        hand_on(session, source_id, clock.now(), "")


def hand_on(session: Session, source_id: str, since: datetime, after: str) -> None:
    """Goes on behind what waits, from the dataset after this one."""
    given = {"source": source_id, "since": since.isoformat(), "after": after}
    jobs.enqueue(session, TASK, given, f"{TASK}.{source_id}")


def due(session: Session, source_id: str, since: datetime, after: str) -> list[Row]:
    """Files of the next dataset that are to be fetched; none when all were, or none are wanted."""
    source = sources.source(session, source_id)
    found: list[Row] = []
    if source is not None and source["state"] == "active" and source["settings"].get(SETTING):
        states = [state.value for state in rules.EDITABLE]
        found = store.due(session, source_id, since, after, states)
    session.rollback()
    return found


def filename_of(row: Row) -> str | None:
    """The name under which a resource's file is kept; None for what is no file that is taken."""
    path = PurePosixPath(unquote(parts_of(str(row["url"])).path))
    ending, told = path.suffix.lstrip(".").lower(), str(row["format"] or "").strip(". ").lower()
    if ending in files.KINDS:
        return files.safe_name(path.name)
    if told in files.KINDS:
        return files.safe_name(f"{row['name'] or path.stem or 'file'}.{told}")
    return None


def keep(row: Row, path: Path, filename: str, headers: Mapping[str, str]) -> Got:
    """Stores a fetched file, or says why its bytes are not taken."""
    etag, modified = headers.get("etag"), headers.get("last-modified")
    try:
        with path.open("rb") as stream:
            return Got(row, files.keep(stream, filename), etag, modified)
    except tk.ValidationError as refused:
        part = part_of(refused)
        return Got(
            row, code=str(part["code"]), facts={**(part.get("params") or {}), "value": filename}
        )


def write(session: Session, source_id: str, package_id: str, got: Sequence[Got]) -> int:
    """Puts new files into their draft, or proposes them beside what is public; gives how many.

    A dataset that has gone into review meanwhile is left alone; the next run asks again.
    """
    review_store.lock_packages(session, [package_id])
    session.expire_all()
    state = datasets.state_of(package_id)
    if state not in rules.EDITABLE and state is not State.PUBLISHED:
        session.rollback()
        return 0
    fresh = {str(one.row["resource_id"]): one for one in got if one.is_new}
    take = _propose if state is State.PUBLISHED else _put
    try:
        written = take(session, source_id, package_id, fresh) if fresh else {}
    except Exception as error:  # whatever one dataset does, the others have their files
        if is_of_the_database(error) or is_without_space(error):
            raise
        session.rollback()
        written, got = {}, [_refused(one, error) if one.is_new else one for one in got]
    if written:
        audit.note(session, "harvest.files", f"package:{package_id}",
                   details={"source": source_id, "files": len(written)})  # fmt: skip
    store.put(session, [_row(source_id, one) for one in got])
    model.repo.commit()
    if written and state is State.PUBLISHED:
        search.drain()
    return len(written)


def failed(row: Row, error: Exception) -> Got:
    """A file that something kept from being fetched or written; its source's page tells it."""
    log.error("the file of resource %s waits", row["resource_id"], exc_info=error)
    return Got(row, code=NOT_WRITTEN, facts={"said": type(error).__name__})


def _refused(one: Got, error: Exception) -> Got:
    """A file that its dataset does not take, with the reason of the action that refused it."""
    if not isinstance(error, tk.ValidationError):
        return failed(one.row, error)
    part = part_of(error)
    said = str(error.error_summary or error)[:LONGEST_REASON]
    return Got(one.row, code=str(part.get("code") or NOT_WRITTEN),
               facts={**(part.get("params") or {}), "said": said})  # fmt: skip


def _put(
    session: Session, source_id: str, package_id: str, fresh: Mapping[str, Got]
) -> dict[str, Got]:
    """Changes the draft as uploads would, where a resource is still there; gives those files."""
    stored = tk.get_action("package_show")(context_of_system(), {"id": package_id})
    # With its old moment of change the index would go on answering for the dataset.
    left_out = (*datasets.DERIVED, "metadata_modified")
    data = {name: value for name, value in stored.items() if name not in left_out}
    with _uploading(data["resources"], fresh) as wanted:
        quietly("package_update")(context_of_system(), data)
    return wanted


def _propose(
    session: Session, source_id: str, package_id: str, fresh: Mapping[str, Got]
) -> dict[str, Got]:
    """Stages a new edition of what is public, once for each edition of the source.

    Where a refresh rule names the source, the edition is one of that rule: inside it public at
    once, outside it a case.
    """
    source = sources.source(session, source_id)
    package = model.Package.get(package_id)
    if source is None or package is None:
        return {}
    waiting = waiting_revision(session, package_id)
    rule = None if waiting else refresh.rule_of_harvest(session, package_id, source_id)
    listed = (waiting["changes"].get("resources") if waiting else None) or [
        {"id": one.id} for one in package.resources
    ]
    resources = [{"id": each["id"]} for each in listed]
    with _uploading(resources, fresh) as wanted:
        if wanted:
            note, actor = f"{NOTE}{source['name']}/{SETTING}", str(source["created_by"])
            origin = refresh.harvested_from(str(package.owner_org), source)
            with _nothing_new():
                if rule is None:
                    revise(session, package, {"resources": resources}, note=note, actor=actor)
                    if waiting is not None:
                        refresh.part_with_rule(session, waiting, origin)
                else:
                    refresh.begin(
                        context_of_system(), package, str(rule["id"]), {"resources": resources},
                        note=note, source=origin, actor=actor,
                    )  # fmt: skip
    return wanted


@contextmanager
def _nothing_new() -> Iterator[None]:
    """A source that goes back to the edition that is public proposes nothing."""
    try:
        yield
    except tk.ValidationError as refused:
        if part_of(refused).get("code") != SAME:
            raise


@contextmanager
def _uploading(
    resources: Sequence[dict[str, Any]], fresh: Mapping[str, Got]
) -> Iterator[dict[str, Got]]:
    """Gives each resource its new file as an upload while the block runs; which have one."""
    wanted = {}
    with ExitStack() as opened:
        for each in resources:
            one = fresh.get(str(each["id"]))
            if one is not None and one.kept is not None:
                path = blobs.path_of(files.folder(), one.kept["sha256"])
                stream = opened.enter_context(path.open("rb"))
                each["upload"] = FileStorage(stream, one.kept["filename"])
                wanted[str(each["id"])] = one
        yield wanted


def _row(source_id: str, one: Got) -> dict[str, object]:
    is_answered = one.kept is not None
    return {
        "resource_id": one.row["resource_id"],
        "source_id": source_id,
        "url": one.row["url"],
        "sha256": one.kept["sha256"] if one.kept else one.row["sha256"],
        "etag": one.etag if is_answered else one.row["etag"],
        "last_modified": one.last_modified if is_answered else one.row["last_modified"],
        "code": one.code,
        "facts": dict(one.facts),
    }
