"""data.json (Project Open Data): one document with every dataset, read as a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import ijson

from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    DATASET,
    FILES,
    VALUES,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)

RECORDS = 200
BLOCK = 1 << 20
MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class DataJsonConnector:
    """The datasets of a data.json document."""

    kind = "data_json"
    version = 1
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "data.json 目录", "en": "data.json catalogue"}
    options: Sequence[Option] = (
        Option("url", "url", "目录地址", "Address of the catalogue", is_required=True),
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
        "contactPoint.fn": "contact_name",
        "contactPoint.hasEmail": "contact_email",
        "publisher.name": "publisher",
        "landingPage": "landing_page",
        "identifier": "",
        "accessLevel": "",
        "resources.downloadURL": "url",
        "resources.accessURL": "url",
        "resources.title": "name",
        "resources.format": "format",
        "resources.mediaType": "format",
        "resources.description": "description",
    }
    volatile = frozenset({"@type"})

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Pages of the one document; its end shows that nothing follows."""
        with web.download(str(source.options["url"])) as file, in_utf8(file.path) as path:
            records = _datasets(path)
            batch, fault = _some(records)
            while True:
                following, fault = ([], fault) if fault else _some(records)
                is_last = not following and fault is None
                if batch or is_last:
                    yield Page([_record(one) for one in batch], is_last=is_last)
                if fault is not None and not following:
                    raise fault
                if is_last:
                    return
                batch = following


def _some(records: Iterator[Json]) -> tuple[list[Json], SourceFault | None]:
    """The next records, and the fault that ended them: what stands before it is taken."""
    found: list[Json] = []
    try:
        found.extend(islice(records, RECORDS))
    except SourceFault as fault:
        return found, fault
    return found, None


def _datasets(path: Path) -> Iterator[Json]:
    """The members of `dataset`.

    Raises:
        SourceFault: `harvest.E11` not JSON from some byte on, `harvest.E14` no such list.
    """
    found = False
    with path.open("rb") as stream:
        try:
            for prefix, event, _ in ijson.parse(stream):
                if prefix == "dataset":
                    found = event == "start_array"
                    break
            if not found:
                raise SourceFault("harvest.E14", name="dataset")
            stream.seek(0)
            yield from ijson.items(stream, "dataset.item")
        except ijson.JSONError as error:
            raise SourceFault("harvest.E11", place=stream.tell(), host="–") from error


def _record(one: Json) -> Record:
    if not isinstance(one, Mapping):
        return Record(None, {"value": plain(one)}, problem="harvest.E2")
    guid = clean_guid(one.get("identifier"))
    try:
        return Record(guid, {str(k): plain(v) for k, v in one.items()})
    except RecursionError:  # deeper than anything that a record may hold
        return Record(guid, {}, {"limit": "depth"}, problem="harvest.E4")


def plain(value: Json) -> Json:
    """Numbers of the parser as JSON's own."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


@contextmanager
def in_utf8(path: Path) -> Iterator[Path]:
    """The same text in UTF-8 without a mark, whichever of the usual encodings it came in."""
    encoding = _encoding(path)
    if encoding == "utf-8":
        yield path
        return
    with TemporaryDirectory(prefix="harvest-") as folder:
        made = Path(folder) / "utf8.json"
        try:
            with (
                path.open(encoding=encoding, newline="") as old,
                made.open("w", encoding="utf-8", newline="") as new,
            ):
                while block := old.read(BLOCK):
                    new.write(block)
        except UnicodeDecodeError as error:
            raise SourceFault("harvest.E11", place=error.start, host="–") from error
        yield made


def _encoding(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(3)
    if head[:2] in MARKS:
        return MARKS[head[:2]]
    if head == b"\xef\xbb\xbf":
        return "utf-8-sig"
    try:
        with path.open(encoding="utf-8") as text:
            while text.read(BLOCK):
                pass
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


connector = DataJsonConnector()
