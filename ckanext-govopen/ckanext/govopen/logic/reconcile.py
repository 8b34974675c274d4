"""Reconciling: database, index, files and tables are compared both ways; counts must be 0.

What index and tables lack follows the database again by itself with `fix`; bytes that nobody names
go only then, and only when they are older than any upload that could still be on its way.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

import ckan.model as model
from ckan.lib.search.common import make_connection

from ckanext.govopen import config
from ckanext.govopen.domain import reconcile as rules
from ckanext.govopen.logic import blobs, datastore, files, rate_snapshots, search
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import reconcile as store

ORPHAN_AFTER_SECONDS = 3600
PAGE = 1000
SHOWN = 20
# What the index and the DataStore take over from the database again.
FOLLOWED = (
    "waiting",
    "index_missing",
    "index_surplus",
    "index_shows_hidden",
    "index_hides_public",
    "index_outdated",
)


def run(*, fix: bool = False) -> dict[str, Any]:
    """Brings what waits to the index, then compares; with `fix` mends, and compares again.

    Returns:
        `{balanced, counts, examples, fixed}`: a count for each kind of difference, its first ids,
        and the counts that were mended.
    """
    search.drain_all()
    found = differences(model.Session)
    fixed: dict[str, int] = {}
    if fix and any(found.values()):
        _mend(model.Session, found)
        after = differences(model.Session)
        fixed = {kind: len(found[kind]) - len(after[kind]) for kind in rules.KINDS if found[kind]}
        found = after
    return {
        "balanced": not any(found.values()),
        "counts": {kind: len(found[kind]) for kind in rules.KINDS},
        "examples": {kind: ids[:SHOWN] for kind, ids in found.items() if ids},
        "fixed": fixed,
    }


def differences(session: Session) -> dict[str, list[str]]:
    """Every difference by its kind; all lists are empty on a sound site."""
    session.rollback()  # a view of now, also after a long drain
    waiting = store.waiting(session)
    return {
        "waiting": sorted(waiting),
        **store.public_state(session),
        **rules.index_differences(_database(session), _index(), waiting),
        **_file_differences(session),
        **_table_differences(session),
    }


def _database(session: Session) -> dict[str, rules.Dataset]:
    return {
        str(row["id"]): rules.Dataset(row["is_public"], _to_the_second(row["modified"]))
        for row in store.datasets(session)
    }


def _index() -> dict[str, rules.Dataset]:
    public = {str(doc["id"]) for doc in _documents("+permission_labels:public")}
    return {
        str(doc["id"]): rules.Dataset(
            doc["id"] in public, _to_the_second(doc.get("metadata_modified"))
        )
        for doc in _documents()
    }


def _to_the_second(moment: datetime | None) -> str:
    """The client of Solr drops what is finer."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def _documents(*filters: str) -> Iterator[dict[str, Any]]:
    """Every dataset of the index, page by page."""
    connection, mark, before = make_connection(), "*", ""
    while mark != before:
        found = connection.search(
            "*:*",
            fq=["+entity_type:package", *filters],
            fl="id,metadata_modified",
            sort="index_id asc",
            rows=PAGE,
            cursorMark=mark,
        )
        yield from found.docs
        before, mark = mark, found.nextCursorMark


def _places(session: Session) -> list[tuple[Path, dict[str, int | None]]]:
    """The folders of stored bytes, and what must lie in each."""
    return [
        (files.folder(), store.dataset_files(session)),
        (config.import_files_path(), store.import_files(session)),
        (rate_snapshots.folder(), store.snapshot_files(session)),
    ]


def _file_differences(session: Session) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    named = store.named_files(session)
    for folder, recorded in _places(session):
        stored = dict(_stored(folder))
        sizes = {name: facts.st_size for name, facts in stored.items()}
        newest = time.time() - ORPHAN_AFTER_SECONDS
        young = {name for name, facts in stored.items() if facts.st_mtime > newest}
        for kind, names in rules.file_differences(recorded, sizes, named | young).items():
            found[kind] = found.get(kind, []) + names
    return found


def _stored(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """What lies in a folder by its SHA-256, or by its path when it does not lie where it should."""
    apart = config.import_files_path()
    for path in folder.rglob("*"):
        if path.is_file() and path.is_relative_to(apart) == folder.is_relative_to(apart):
            is_ours = blobs.is_digest(path.name) and path == blobs.path_of(folder, path.name)
            name = path.name if is_ours else str(path.relative_to(config.data_path()))
            yield name, path.stat()


def _table_differences(session: Session) -> dict[str, list[str]]:
    described = store.resource_files(session)
    rows = store.resources(session, sorted({resource_id for resource_id, _ in described}))
    resources = {
        str(row["id"]): rules.ResourceFact(
            row["is_public"], row["has_rows"], row["sha256"], row["loaded"]
        )
        for row in rows
    }
    shown, waiting = datastore.tables()
    return rules.table_differences(
        resources,
        rules.DataTables(shown, frozenset(waiting)),
        {
            datastore.hidden_name(resource_id, sha256, is_searchable=is_searchable)
            for resource_id, sha256 in described
            for is_searchable in (True, False)
        },
        [str(row["id"]) for row in rows if row["waits"]],
    )


def _mend(session: Session, found: dict[str, list[str]]) -> None:
    """Index and tables follow the database; orphans go. What people decide is left to people."""
    lacking = store.packages_of(session, found["tables_missing"])
    misplaced = store.packages_of(session, found["tables_shown"])
    followed = {package_id for kind in FOLLOWED for package_id in found[kind]}
    datastore.load_hidden(session, lacking)
    datasets_store.enqueue(session, sorted({*followed, *lacking, *misplaced}))
    session.commit()
    search.drain_all()
    datastore.drop(found["tables_orphan"])
    for folder, _ in _places(session):
        for name in found["files_orphan"]:
            _remove_orphan(folder, name)


def _remove_orphan(folder: Path, name: str) -> None:
    place = config.data_path() / name if "/" in name else blobs.path_of(folder, name)
    if place.is_file() and place.is_relative_to(folder):
        place.unlink()
