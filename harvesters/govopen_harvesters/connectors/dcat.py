"""DCAT catalogues in Turtle, RDF/XML, JSON-LD or N-Triples, page by page where Hydra pages them.

The file is read by a program of its own within limits (`rdf_reader`), since it is hostile until
proved otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urljoin

from govopen_harvesters import reading
from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    DATASET,
    FILES,
    VALUES,
    CursorLost,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
    mark_of,
)

RECORDS = 200
WALL_SECONDS = 300
READER = "govopen_harvesters.rdf_reader"
FORMATS = ("turtle", "xml", "jsonld", "ntriples")


class DcatConnector:
    """The datasets of a DCAT catalogue."""

    kind = "dcat"
    version = 1
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "DCAT 目录", "en": "DCAT catalogue"}
    options: Sequence[Option] = (
        Option("url", "url", "目录地址", "Address of the catalogue", is_required=True),
        Option(
            "format",
            "text",
            "格式（turtle、xml、jsonld、ntriples）",
            "Format (turtle, xml, jsonld, ntriples)",
        ),
        FILES,
        Option("fields", "mapping", "字段对应", "Names and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
    )
    fields: Mapping[str, str] = {
        "title": "title",
        "description": "notes",
        "keyword": "tags",
        "distribution": "resources",
        "license": "licence",
        "accrualPeriodicity": "update_cycle",
        "theme": "data_domain",
        "theme.prefLabel": "data_domain",
        "publisher.name": "publisher",
        "contactPoint.fn": "contact_name",
        "contactPoint.hasEmail": "contact_email",
        "temporal.startDate": "temporal_start",
        "temporal.endDate": "temporal_end",
        "landingPage": "landing_page",
        "uri": "",
        "identifier": "",
        "resources.downloadURL": "url",
        "resources.accessURL": "url",
        "resources.title": "name",
        "resources.format": "format",
        "resources.mediaType": "format",
        "resources.description": "description",
        "resources.uri": "",
    }
    volatile = frozenset[str]()

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """The datasets of each page of the catalogue, until no next one is named.

        Raises:
            CursorLost: on the page that was read last stand other datasets now, or none follows it.
        """
        cursor = source.cursor or {}
        mark, url = cursor.get("mark"), cursor.get("url") or str(source.options["url"])
        while url:
            with web.download(url) as file, TemporaryDirectory(prefix="harvest-") as folder:
                digest = sha256(file.path.read_bytes()).hexdigest()
                lines = _lines(file.path, _format(source.options, file.path), Path(folder))
                said = _end(lines)
                following = urljoin(url, str(said["next"])) if said.get("next") else None
                total = str(said.get("total", ""))
                declared = int(total) if total.isdecimal() else None
                if mark is None:
                    here = url if following else None
                    yield from _pages(lines, digest, declared, here)
                elif not following or mark != _mark(str(one.guid) for one in _records(lines)):
                    raise CursorLost
            url, mark = following, None


def _pages(lines: Path, digest: str, declared: int | None, url: str | None) -> Iterator[Page]:
    """The datasets of a file, some at a time.

    Args:
        url: of the file, where another one follows it.
    """
    records, names = _records(lines), list[str]()
    batch = list(islice(records, RECORDS))
    mark: str | None = digest  # the same file again is the same first part again
    while True:
        following = list(islice(records, RECORDS))
        names += [str(one.guid) for one in batch] if url else []
        is_end = not following
        cursor = {"url": url, "mark": _mark(names)} if url and is_end else None
        yield Page(batch, mark, declared, is_last=is_end and not url, cursor=cursor)
        if is_end:
            return
        batch, mark = following, None


def _mark(names: Iterable[str]) -> str:
    """What a page is known by; a graph has no order."""
    return mark_of(sorted(names))


def _records(lines: Path) -> Iterator[Record]:
    with lines.open(encoding="utf-8") as stream:
        for line in stream:
            if '"dataset"' in line[:12]:
                yield _record(json.loads(line)["dataset"])


def _record(one: Mapping[str, Json]) -> Record:
    """A dataset under its address, or under its identifier where it has no address."""
    return Record(clean_guid(one.get("uri") or one.get("identifier")), one)


def _format(options: Mapping[str, Json], path: Path) -> str:
    """The format as told, else by what the file begins with."""
    told = str(options.get("format") or "").lower()
    if told in FORMATS:
        return told
    with path.open("rb") as stream:
        head = stream.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] in (b"{", b"["):
        return "jsonld"
    return "xml" if head[:5].lower() in (b"<?xml", b"<rdf:") else "turtle"


def _lines(path: Path, format_: str, folder: Path) -> Path:
    """What the reading program found, as JSON lines.

    Raises:
        SourceFault: `harvest.E34` it was refused, or took too much.
    """
    out = folder / "lines.jsonl"
    try:
        reading.run(READER, [str(path), format_, str(out)], WALL_SECONDS)
    except reading.ReadingFailed as failed:
        raise SourceFault("harvest.E34", said=str(failed)) from None
    return out


def _end(lines: Path) -> Mapping[str, Json]:
    last = ""
    with lines.open(encoding="utf-8") as stream:
        for last in stream:  # noqa: B007 - the last line is what is wanted
            pass
    found = json.loads(last) if last else {}
    if "end" not in found:
        raise SourceFault("harvest.E34", said=str(found.get("refused") or "–"))
    end: Mapping[str, Json] = found["end"]
    return end


connector = DcatConnector()
