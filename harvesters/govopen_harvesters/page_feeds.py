"""Sitemaps, Atom and RSS: lists in XML. No document type, no entity, nothing from elsewhere."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

from lxml import etree
from lxml import html as lxml_html

from govopen_harvesters.page_text import day_in, decoded, lines, tidy

MOST_BYTES = 50 << 20
HEAD = 4096
ROOTS = ("urlset", "sitemapindex", "rss", "feed", "rdf")
MOST_BODY = 50_000
_PROLOG = re.compile(
    r"^(?:\s|<\?.*?\?>|<!--.*?-->)*(<!DOCTYPE[^>]*>\s*)?<(?:\w+:)?(\w+)", re.DOTALL | re.IGNORECASE
)
_DECLARATION = re.compile(r"^\s*<\?xml.*?\?>", re.DOTALL)


class RefusedError(Exception):
    """XML that is not read; the text says why."""


def read(body: bytes, url: str) -> dict[str, Any] | None:
    """What a sitemap or a feed lists; None for what is neither.

    Raises:
        RefusedError: it is one, and is too large, declares a document type, or is not XML.
    """
    body = _unpacked(body)
    begin = _PROLOG.match(body[:HEAD].decode("utf-8", "replace").lstrip("\ufeff"))
    if begin is None or begin[2].lower() not in ROOTS:
        return None
    if begin[1]:
        raise RefusedError("a document type is declared")
    if len(body) > MOST_BYTES:
        raise RefusedError(f"> {MOST_BYTES >> 20} MB")
    root = _parsed(body)
    name = _name(root)
    if name == "sitemapindex":
        return {"sitemaps": [_text(one, "loc") for one in root], "items": []}
    if name == "urlset":
        return {"items": list(_sitemap(root)), "next": None, "covers_all": True}
    return _feed(root, url)


def _unpacked(body: bytes) -> bytes:
    """A packed sitemap, as far as it may be long; one byte more shows that it is longer."""
    if body[:2] != b"\x1f\x8b":
        return body
    try:
        with gzip.GzipFile(fileobj=BytesIO(body)) as stream:
            return bytes(stream.read(MOST_BYTES + 1))
    except (OSError, EOFError) as error:
        raise RefusedError("gzip") from error


def _parsed(body: bytes) -> Any:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, encoding="utf-8",
    )  # fmt: skip
    text = _DECLARATION.sub("", decoded(body).lstrip("\ufeff"))
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise RefusedError(str(error)) from error
    if root.getroottree().docinfo.doctype:
        raise RefusedError("a document type is declared")
    return root


def _name(element: Any) -> str:
    return str(etree.QName(element).localname).lower()


def _children(element: Any, *names: str) -> Iterator[Any]:
    return (one for one in element if isinstance(one.tag, str) and _name(one) in names)


def _text(element: Any, *names: str) -> str:
    """The text of the first child of such a name, the names in their order."""
    for name in names:
        for one in _children(element, name):
            if said := tidy("".join(one.itertext())):
                return said
    return ""


def _sitemap(root: Any) -> Iterator[dict[str, str]]:
    for one in _children(root, "url"):
        if url := _text(one, "loc"):
            yield {"url": url, "title": "", "date": day_in(_text(one, "lastmod"))}


def _feed(root: Any, url: str) -> dict[str, Any]:
    """A feed holds what is new: what is not in it may still be there, unless it says `complete`."""
    channel = next(_children(root, "channel"), root)
    held = [*_children(channel, "item", "entry"), *_children(root, "item")]
    items = [_entry(one, url) for one in dict.fromkeys(held)]
    following = [
        urljoin(url, one.get("href"))
        for one in _children(channel, "link")
        if one.get("rel") == "next" and one.get("href")
    ]
    return {
        "items": [one for one in items if one["url"]],
        "next": following[0] if following else None,
        "covers_all": any(True for _ in _children(channel, "complete")),
        "is_feed": True,
    }


def _entry(element: Any, url: str) -> dict[str, Any]:
    files = [
        {"name": tidy(one.get("title") or ""), "url": urljoin(url, address), "format": ""}
        for one in _children(element, "enclosure", "link")
        if (_name(one) == "enclosure" or one.get("rel") == "enclosure")
        and (address := one.get("url") or one.get("href"))
    ]
    return {
        "url": _link(element, url),
        "title": _plain(_text(element, "title")),
        "date": _day(_text(element, "published", "pubdate", "date", "updated")),
        "body": _plain(_text(element, "encoded", "content", "description", "summary"))[:MOST_BODY],
        "attachments": files,
    }


def _link(element: Any, url: str) -> str:
    for one in _children(element, "link"):
        said = one.get("href") or tidy(one.text or "")
        if said and one.get("rel", "alternate") == "alternate":
            return urljoin(url, str(said))
    said = _text(element, "guid", "id")
    return said if said.startswith(("http://", "https://")) else ""


def _day(said: str) -> str:
    """The day of RFC 822 (RSS) or RFC 3339 (Atom), or as a page would write it."""
    if said[:4].isdecimal():
        return said
    try:
        return parsedate_to_datetime(said).isoformat()
    except (ValueError, TypeError):
        return day_in(said)


def _plain(said: str) -> str:
    """Text that may be written in HTML, without its marks."""
    if "<" not in said:
        return tidy(said)
    try:
        tree = lxml_html.fragment_fromstring(said, create_parent="div")
    except etree.ParserError:
        return ""
    for unseen in list(tree.iter("script", "style")):
        unseen.drop_tree()
    return lines(tree.itertext())
