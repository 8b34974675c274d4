"""Reconciling (对账): what the database says and what index, files and tables hold, both ways.

The database is the truth. Each difference is named by the side that is wrong and by an id.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

# In the order of a report; every count must be 0.
KINDS = (
    "waiting",  # datasets that the outbox could not bring to index and tables
    "public_without_approval",  # shown by CKAN's columns, not by a published review
    "approved_not_public",  # published by the review, hidden by CKAN's columns
    "period_without_publication",
    "publication_without_period",
    "index_missing",  # in the database, not in the index
    "index_surplus",  # in the index, not in the database
    "index_shows_hidden",  # the index would show what is not public
    "index_hides_public",
    "index_outdated",  # an older content is indexed
    "files_missing",  # recorded bytes that do not lie there with their size
    "files_orphan",  # bytes that no record names
    "tables_missing",  # a public file with rows whose table readers cannot see
    "tables_shown",  # a table that readers see although its dataset is not public
    "tables_orphan",  # a table of no resource, with the schema that it lies in
)


@dataclass(frozen=True)
class Dataset:
    """A dataset as the database has it, or as the index has it."""

    is_public: bool
    modified: str


@dataclass(frozen=True)
class DataTables:
    """Tables of the DataStore by name.

    Args:
        shown: those that readers see, named after their resource, with the bytes that they hold
            (None where the table does not say).
        waiting: those that no reader sees, named after resource and bytes.
    """

    shown: Mapping[str, str | None]
    waiting: frozenset[str]


@dataclass(frozen=True)
class ResourceFact:
    """A resource as the database has it.

    Args:
        is_public: its dataset is public.
        has_rows: its file was loaded as a table.
        sha256: its file; None while only a revision names it.
        loaded: the file that its table is said to hold; another one is not served.
    """

    is_public: bool
    has_rows: bool
    sha256: str | None
    loaded: str | None


def index_differences(
    database: Mapping[str, Dataset], index: Mapping[str, Dataset], waiting: Collection[str]
) -> dict[str, list[str]]:
    """Where the index differs; what still waits to be indexed is not compared."""
    present, indexed = set(database) - set(waiting), set(index) - set(waiting)
    both = present & indexed
    return {
        "index_missing": sorted(present - indexed),
        "index_surplus": sorted(indexed - present),
        "index_shows_hidden": sorted(
            i for i in both if index[i].is_public and not database[i].is_public
        ),
        "index_hides_public": sorted(
            i for i in both if database[i].is_public and not index[i].is_public
        ),
        "index_outdated": sorted(i for i in both if database[i].modified != index[i].modified),
    }


def file_differences(
    recorded: Mapping[str, int | None], stored: Mapping[str, int], spared: Collection[str] = ()
) -> dict[str, list[str]]:
    """Where the folder of files differs.

    Args:
        recorded: SHA-256 to size, None where no size is recorded.
        stored: SHA-256, or the path of what has no such name, to size on disk.
        spared: what some other record names, or an upload may still be about to name.
    """
    missing = [
        digest
        for digest, size in recorded.items()
        if digest not in stored or size not in (None, stored[digest])
    ]
    return {
        "files_missing": sorted(missing),
        "files_orphan": sorted(stored.keys() - recorded.keys() - set(spared)),
    }


def table_differences(
    resources: Mapping[str, ResourceFact],
    tables: DataTables,
    may_wait: Collection[str],
    waiting: Collection[str] = (),
) -> dict[str, list[str]]:
    """Where the tables of the DataStore differ.

    Args:
        resources: every resource that any record names a file of.
        tables: what the DataStore holds.
        may_wait: names of tables of files that some record names.
        waiting: resources whose tables the outbox will still bring in order.
    """
    left_out = frozenset(waiting)
    served = {i for i, one in resources.items() if _is_served(i, one, tables)}
    readable = {i for i, one in resources.items() if one.is_public}
    wanted = {i for i in readable if resources[i].has_rows}
    return {
        "tables_missing": sorted(wanted - served - left_out),
        "tables_shown": sorted((tables.shown.keys() & resources.keys()) - readable - left_out),
        "tables_orphan": [
            *(f"public.{name}" for name in sorted(tables.shown.keys() - resources.keys())),
            *(f"hidden.{name}" for name in sorted(tables.waiting - set(may_wait))),
        ],
    }


def _is_served(resource_id: str, one: ResourceFact, tables: DataTables) -> bool:
    """A table is served when it holds the resource's file, and is said to."""
    if resource_id not in tables.shown or one.loaded != one.sha256:
        return False
    return (tables.shown[resource_id] or one.loaded) == one.sha256
