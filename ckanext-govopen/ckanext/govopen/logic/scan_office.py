"""Parts of office documents beside the cells of their sheets: texts, comments, properties, images.

An image or an embedded object is named as not readable; a thumbnail is not, for it shows what the
document itself says.
"""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ckanext.govopen.domain.intake import IntakeRefused, Limits
from ckanext.govopen.domain.scan import Hit, Lines, Sheet, Unread, masked
from ckanext.govopen.logic import scan_image, scan_xml

Part = Sheet | Lines | Hit | Unread

_LARGEST_IMAGE = 64 << 20

# Names of parts with text that people wrote, and whether all their character data counts.
_TEXT_PARTS = tuple(
    (re.compile(pattern), everywhere)
    for pattern, everywhere in (
        (r"word/(?:document|header|footer|footnotes|endnotes|comments|glossary/).*\.xml", False),
        (r"ppt/(?:slides|notesSlides|comments|handoutMasters|slideMasters)/[^/]*\.xml", False),
        (r"xl/(?:comments|threadedComments|persons|drawings|charts)[^/]*(?:/[^/]*)?\.xml", True),
        (r"xl/(?:pivotCache|externalLinks|queryTables)/[^/]*\.xml|xl/connections\.xml", True),
        (r"xl/workbook\.xml|docProps/.*\.xml|customXml/item[0-9]*\.xml", True),
        (r"(?:content|styles|meta)\.xml", True),
        (r".*_rels/.*\.rels", False),
    )
)
_IMAGE = re.compile(r".*\.(?:png|jpe?g|gif|bmp|tiff?|webp|emf|wmf|svg|heic)", re.IGNORECASE)
_THUMBNAIL = re.compile(r"(?:docProps|Thumbnails)/thumbnail\.[a-z]+", re.IGNORECASE)
_EMBEDDED = re.compile(
    r".*/(?:embeddings|activeX|ctrlProps)/.*|Object ?[0-9]+(?:/content\.xml)?|.*\.bin"
)
_MACRO = re.compile(r".*vbaProject.*\.bin|Basic/.*", re.IGNORECASE)
# A printer's settings say nothing about people.
_HARMLESS = re.compile(r".*printerSettings[0-9]*\.bin|xl/worksheets/.*\.bin|xl/[a-zA-Z]+\.bin")
_SHEET_PART = re.compile(r"xl/worksheets/[^/]*\.xml")
_BEHIND = re.compile(
    rb"<(?:\w+:)?(?:(?:odd|even|first)(?:Header|Footer)|f)(?: [^<>]*)?>([^<]+)"
    rb"|:formula=\"([^\"]+)\""
)
_BLOCK = 1 << 20
_LONGEST = 64 << 10  # of a formula


def read(path: Path, _limits: Limits) -> Iterator[Part]:
    """Everything in a text document or presentation."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            yield from _part(archive, info)


def beside_sheets(path: Path) -> Iterator[Part]:
    """Everything in a workbook but its cells."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            if _SHEET_PART.fullmatch(name) or name == "content.xml":
                yield from _behind_cells(archive, info)
            else:
                yield from _part(archive, info)


def _part(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Part]:
    name = info.filename.replace("\\", "/")
    if info.is_dir() or not info.file_size or _HARMLESS.fullmatch(name):
        return
    if _MACRO.fullmatch(name):
        yield Unread(masked(name), "macro")
    elif _IMAGE.fullmatch(name):
        if not _THUMBNAIL.fullmatch(name):
            yield Unread(masked(name), "image")
            yield from _position(archive, info, name)
    elif _EMBEDDED.fullmatch(name):
        yield Unread(masked(name), "embedded")
    else:
        for pattern, everywhere in _TEXT_PARTS:
            if pattern.fullmatch(name):
                try:
                    with archive.open(info) as stream:
                        yield from scan_xml.read(stream, name, everywhere=everywhere)
                except IntakeRefused:
                    yield Unread(masked(name), "damaged")
                return


def _position(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Iterator[Hit]:
    if info.file_size <= _LARGEST_IMAGE:
        yield from scan_image.position(archive.read(info), name)


def _behind_cells(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[Lines]:
    """Formulas, which may hold a number that no cell shows, and what is printed around a sheet."""
    lines = Lines(info.filename)
    rest = b""
    with archive.open(info) as stream:
        while block := stream.read(_BLOCK):
            piece = rest + block
            cut = max(piece.rfind(b"<"), len(piece) - _LONGEST)
            cut = max(0, piece.rfind(b"<", 0, cut)) or cut  # a formula and its end stay together
            lines.feed([_text_of(found) for found in _BEHIND.findall(piece[:cut])])
            rest = piece[cut:]
    lines.feed([_text_of(found) for found in _BEHIND.findall(rest)])
    if lines.rows:
        yield lines


def _text_of(found: tuple[bytes, ...]) -> str:
    text = next(part for part in found if part)
    return html.unescape(text.decode("utf-8", "replace"))
