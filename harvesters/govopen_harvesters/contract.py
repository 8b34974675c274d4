"""What a connector is: one file that says as data what it may be told, and gives pages of records.

Others add theirs by an entry point of the group `govopen.connectors` that names such an object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

Json = Any  # what a JSON document holds
INVENTORY, DATASET = "inventory", "dataset"


@dataclass(frozen=True)
class Option:
    """Something that a source of this kind may be told.

    Args:
        kind: text, url, path, number, yes_no, list, mapping; secret is kept apart and never shown.
    """

    name: str
    kind: str
    zh: str
    en: str
    is_required: bool = False
    default: Json = None


# Of every kind whose records are mapped.
VALUES = Option("values", "mapping", "取值对应", "Values and what they mean, by field")
# Of every kind whose records name files.
FILES = Option("files", "yes_no", "取回资源文件", "Fetch the files of resources")


# Seconds between two requests beyond which a run would be taken for one that stands still.
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Source:
    """A source as a connector sees it.

    Args:
        options: as declared, with defaults filled in.
        secrets: by the name of their option.
        watermark: what the last complete run has reached; None for a run over everything.
        incoming: the folder in which files of this machine may lie, and nowhere else.
        cursor: of the last page that this run has read already; None at its beginning.
        met: what its pages up to that one have said that they met.
    """

    options: Mapping[str, Json]
    secrets: Mapping[str, str] = field(default_factory=dict)
    watermark: Mapping[str, Json] | None = None
    incoming: Path | None = None
    cursor: Mapping[str, Json] | None = None
    met: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Record:
    """One record of a source.

    Args:
        guid: what the source calls it for ever; None when it has no name, which is refused.
        raw: everything that the source says of it.
        place: where it stood this time (row, cell, page): shown, never compared.
        problem: code of a finding when it could not be read.
    """

    guid: str | None
    raw: Mapping[str, Json]
    place: Mapping[str, Json] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True)
class Page:
    """Some records, and what they prove.

    Args:
        digest: of the bytes, where pages follow each other: the same page again is a fault.
        declared: how many records the whole source says that it has.
        is_last: the source, or its format, says that nothing follows.
        faults: parts that could not be read, with code and facts.
        reached: a watermark for the next run, once this one is complete.
        covers_all: False when only what changed since the watermark was asked for.
        left_out: records that are none of ours: private ones, harvest sources; counted and shown.
        cursor: by which the connector goes on behind this page, at any later time, as if nothing
            had been between; None where that would prove less than reading from the beginning.
        met: names that the connector has to know again then; those of each page are added to those
            of the pages before, so that no page carries them all.
        columns: names of the columns of a table, also of those that are empty.
        notes: what is to be told of the whole that the page begins, with code and facts.
    """

    records: Sequence[Record]
    digest: str | None = None
    declared: int | None = None
    is_last: bool = False
    faults: Sequence[tuple[str, Mapping[str, Json]]] = ()
    reached: Mapping[str, Json] | None = None
    covers_all: bool = True
    left_out: int = 0
    cursor: Mapping[str, Json] | None = None
    met: Sequence[str] = ()
    columns: Sequence[str] = ()
    notes: Sequence[tuple[str, Mapping[str, Json]]] = ()


class SourceFault(Exception):  # noqa: N818 the name says what happened
    """A source that cannot be read on from here.

    Attributes:
        code: of a finding in `data/findings`.
        facts: what its text mentions; never a secret.
    """

    def __init__(self, code: str, **facts: Json) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class CursorLost(Exception):  # noqa: N818 the name says what happened
    """Reading cannot go on where it was left: the source has moved, and is read from its beginning.

    Raised before any page is given.
    """


class Halt(Exception):  # noqa: N818 the name says what happened
    """The run stops here without an end: its worker has to go, or another has taken it up.

    No fault of the source: a connector lets it pass.
    """


def mark_of(names: Iterable[object]) -> str:
    """What a page is known by when it is asked for again: the names on it, in their order."""
    digest = blake2b(digest_size=12)
    for name in names:
        digest.update(f"{name}\n".encode(errors="backslashreplace"))
    return digest.hexdigest()


class Download(Protocol):
    """A file that was fetched; it goes when the block ends. `url` is where the last hop led."""

    path: Path
    name: str
    url: str
    headers: Mapping[str, str]


class Web(Protocol):
    """How a connector reaches the network: guarded, limited, with retries."""

    def download(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> Any:  # a context manager that gives a Download
        """The file at an address."""

    def json(
        self, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> tuple[Json, str]:
        """The JSON document at an address, or the answer to a body, and the digest of its bytes."""

    def require_inside(self, host: str, port: int) -> None:
        """Lets through a listed host of one's own network, for what is no request of the web.

        Raises:
            SourceFault: `harvest.E36` it is not listed.
        """


class Connector(Protocol):
    """Reads one kind of source.

    Attributes:
        version: raised whenever the same bytes mean something else: every record is looked at anew.
        outcome: inventory or dataset: what its records become.
        fields: names of the source to fields of ours, where they are the standard's own.
        volatile: names that change without the record having changed.
    """

    kind: str
    version: int
    outcome: str
    label: Mapping[str, str]
    options: Sequence[Option]
    fields: Mapping[str, str]
    volatile: frozenset[str]

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """The pages of a source, one after the other.

        Raises:
            SourceFault: it cannot be read on; what came before counts, the set is partial.
            CursorLost: it has a cursor that leads nowhere any more.
        """
