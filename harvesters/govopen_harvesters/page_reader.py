"""The program that reads pages of web sites: run as `python -m`, within hard limits.

`TASK OUT`: the task is a JSON file `{what, ask, pages: [{file, url}]}`; for each page a line of
JSON is written: what a list has (`what` is list), or what a document says, or `refused` with the
reason. Selectors and patterns are data of the source; a page that nobody has checked meets them
here and nowhere else. It asks for nothing on the network.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urljoin, urlsplit

from cssselect import SelectorError
from lxml import etree
from lxml import html as lxml_html
from lxml.cssselect import CSSSelector

from govopen_harvesters import page_feeds
from govopen_harvesters.page_text import compact, day_in, decoded, lines, tidy

MOST_MEMORY = 1 << 30
CPU_SECONDS = 20
MOST_PAGE_BYTES = 5 << 20
MOST_ENTRIES = 2_000
MOST_ATTACHMENTS = 200
MOST_BODY = 50_000
MOST_VALUE = 500
UNSEEN = ("script", "style", "noscript", "template", "iframe", "object")
BLOCKS = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "br",
        "dd",
        "div",
        "dl",
        "dt",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    ]
)
FILES = frozenset(
    [
        "pdf",
        "doc",
        "docx",
        "wps",
        "xls",
        "xlsx",
        "et",
        "csv",
        "tsv",
        "ods",
        "odt",
        "ofd",
        "ppt",
        "pptx",
        "zip",
        "rar",
        "7z",
        "txt",
        "json",
        "xml",
    ]
)


class RefusedError(Exception):
    """A page that is not read; the text says why."""


def main(task_file: str, out: IO[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    task = json.loads(Path(task_file).read_text(encoding="utf-8"))
    for page in task["pages"]:
        try:
            found = read(task["what"], task["ask"], Path(page["file"]).read_bytes(), page["url"])
        except (RefusedError, page_feeds.RefusedError) as refused:
            found = {"refused": str(refused)[:300]}
        except (SelectorError, re.error) as wrong:
            found = {"refused": str(wrong)[:300], "is_setting": True}
        out.write(json.dumps(found, ensure_ascii=False) + "\n")


def read(what: str, ask: Mapping[str, Any], body: bytes, url: str) -> dict[str, Any]:
    """What a page has to say, by what the source's settings ask of it."""
    if what == "list" and (feed := page_feeds.read(body, url)) is not None:
        return {**feed, "items": list(_matching(ask, feed["items"]))}
    if len(body) > MOST_PAGE_BYTES:
        raise RefusedError(f"> {MOST_PAGE_BYTES >> 20} MB")
    text = decoded(body)
    tree = _tree(text)
    base = _base(tree, url)
    return _list(tree, text, ask, base) if what == "list" else _document(tree, ask, base)


def _tree(text: str) -> Any:
    """A page as a tree; a text without an element is no page."""
    parser = lxml_html.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=False
    )
    try:
        tree = lxml_html.document_fromstring(text.replace("\0", "").encode(), parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise RefusedError(str(error)) from error
    # Beyond a limit the parser drops what follows and says so in its log alone.
    if cut := [one.message for one in parser.error_log if one.level >= etree.ErrorLevels.FATAL]:
        raise RefusedError(cut[0])
    for unseen in list(tree.iter(*UNSEEN)):
        unseen.drop_tree()
    return tree


def _base(tree: Any, url: str) -> str:
    said = next((one.get("href") for one in tree.iter("base") if one.get("href")), "")
    return _address(url, said) or url


def _address(base: str, said: str | None) -> str:
    """An address of the web, whole; empty for scripts, mail and anything else."""
    try:
        whole = urljoin(base, (said or "").strip())
        parts = urlsplit(whole)
    except ValueError:
        return ""
    return whole if parts.scheme in ("http", "https") and parts.hostname else ""


def _chosen(tree: Any, selector: str | None) -> list[Any]:
    """The elements that a selector finds, in their order."""
    return list(CSSSelector(selector, translator="html")(tree)) if selector else []


def _words(element: Any) -> str:
    """The text of an element, its lines where its blocks are."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if node.tag in BLOCKS:
            parts.append("\n")
        if event == "start":
            parts.append(node.text or "")
        elif node is not element:
            parts.append(node.tail or "")
    return lines(parts)


def _line(element: Any) -> str:
    return tidy(_words(element))


# --- lists ---------------------------------------------------------------------------------------


def _list(tree: Any, text: str, ask: Mapping[str, Any], base: str) -> dict[str, Any]:
    found = list(_matching(ask, _entries(tree, ask, base)))
    following, is_scripted = _next(tree, ask, base)
    return {
        "items": found,
        "next": following,
        "is_scripted": is_scripted,
        "total": _number(ask.get("total"), text),
        "pages": _number(ask.get("pages"), text),
        "covers_all": True,
    }


def _matching(ask: Mapping[str, Any], items: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    wanted = re.compile(ask["match"]) if ask.get("match") else None
    for number, item in enumerate(items):
        if number >= MOST_ENTRIES and not ask.get("match"):
            raise RefusedError(f"> {MOST_ENTRIES}")
        if wanted is None or wanted.search(item["url"]):
            yield item


def _entries(tree: Any, ask: Mapping[str, Any], base: str) -> Iterator[dict[str, Any]]:
    """The entries of a list, each with its address, title and day."""
    if not ask.get("items") and not ask.get("match"):
        raise RefusedError("items, match")
    for entry in _chosen(tree, ask.get("items") or "a[href]"):
        link = _link(entry, ask.get("link"))
        url = _address(base, link.get("href")) if link is not None else ""
        if not url:
            continue
        around = entry if entry is not link else _around(link)
        dated = next(iter(_chosen(around, ask.get("date"))), around)
        yield {"url": url, "title": _title(link), "date": day_in(_line(dated))}


def _link(entry: Any, selector: str | None) -> Any:
    if selector:
        return next(iter(_chosen(entry, selector)), None)
    return entry if entry.tag == "a" else next(entry.iter("a"), None)


def _around(link: Any) -> Any:
    """Where the day of a bare link may stand: its parent, when it holds no other link."""
    parent = link.getparent()
    return parent if parent is not None and sum(1 for _ in parent.iter("a")) == 1 else link


def _title(link: Any) -> str:
    """The title of a link; its attribute where the text was cut to fit the column."""
    shown, whole = _line(link), tidy(link.get("title") or "")
    is_cut = shown.rstrip(".…") != shown or not shown
    return whole if whole and (is_cut or whole.startswith(shown)) else shown


def _next(tree: Any, ask: Mapping[str, Any], base: str) -> tuple[str | None, bool]:
    """The address of the next page, and whether a script alone would lead there."""
    if ask.get("next"):
        links = _chosen(tree, ask["next"])
    else:
        words = set(ask["words"]["next"])
        links = [
            one
            for one in tree.iter("a", "link")
            if (one.get("rel") or "").lower() == "next" or _line(one).lower() in words
        ]
    is_scripted = False
    for link in links:
        said = (link.get("href") or "").strip()
        if "disabled" in (link.get("class") or "").lower().split() or said.startswith("#"):
            is_scripted = is_scripted or bool(link.get("onclick"))
            continue
        if url := _address(base, said) if said else "":
            return url.partition("#")[0], False
        is_scripted = is_scripted or said.lower().startswith("javascript:") or not said
    return None, is_scripted


def _number(pattern: str | None, text: str) -> int | None:
    """A number that the page states, found by a pattern with one group."""
    found = re.search(pattern, text) if pattern else None
    said = found[1] if found and found.re.groups else ""
    return int(said) if said and said.isdecimal() and len(said) < 10 else None


# --- documents -----------------------------------------------------------------------------------


def _document(tree: Any, ask: Mapping[str, Any], base: str) -> dict[str, Any]:
    for selector in ask.get("drop") or ():
        for unwanted in _chosen(tree, selector):
            if unwanted.getparent() is not None:
                unwanted.drop_tree()
    said = {**_labelled(tree, ask), **_metas(tree, ask["words"]["metas"])}
    for name in ("title", "published", "index_number"):
        if found := _chosen(tree, ask.get(name)):
            value = _line(found[0])
            said["date" if name == "published" else name] = (
                value if name == "title" else _bare(value)
            )
    place = _body(tree, ask)
    words = _words(place) if place is not None else ""
    attachments = _attachments(tree, place, ask, base)
    facts = {name: value[:MOST_VALUE] for name, value in said.items() if value}
    return {"facts": facts, "body": words[:MOST_BODY], "attachments": attachments}


def _bare(value: str) -> str:
    """A value without the label before it."""
    return re.sub(r"^[^:：\d]{1,12}[:：]\s*", "", value)


def _metas(tree: Any, names: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for meta in tree.iter("meta"):
        name = names.get((meta.get("name") or "").lower())
        if name and (value := tidy(meta.get("content") or "")):
            found[name] = value
    return found


def _labelled(tree: Any, ask: Mapping[str, Any]) -> dict[str, str]:
    """What stands behind labels such as 索引号, inside a text or in the cell beside it."""
    names = {compact(label): name for label, name in ask["labels"].items()}
    found: dict[str, str] = {}
    for element in tree.iter():
        for text, is_tail in ((element.text, False), (element.tail, True)):
            if text and len(text) <= MOST_VALUE and not text.isspace():
                _take(found, names, element, text, is_tail)
    return found


def _take(
    found: dict[str, str], names: Mapping[str, str], element: Any, text: str, is_tail: bool
) -> None:
    label, colon, rest = tidy(text).replace("：", ":").partition(":")
    name = names.get(compact(label))
    if name is None or name in found:
        return
    value = tidy(rest) if colon else ""
    value = value or (_after(element) if is_tail else _beside(element))
    if value and len(value) <= MOST_VALUE and compact(value) not in names:
        found[name] = value


def _after(element: Any) -> str:
    """What follows a label that stands behind an element."""
    following = element.getnext()
    return _line(following) if following is not None else ""


def _beside(element: Any) -> str:
    """What follows a label that an element begins with: in it, behind it, or beside it."""
    if len(element) and (inside := _line(element[0])):
        return inside
    for _ in range(3):
        if tail := tidy(element.tail or "").lstrip(":：").strip():
            return tail
        if element.getnext() is not None:
            return _after(element)
        element = element.getparent()
        if element is None or element.tag in ("tr", "ul", "dl", "table", "body"):
            return ""
    return ""


def _body(tree: Any, ask: Mapping[str, Any]) -> Any:
    """The element that holds the text: as told, else where such sites have it."""
    told = ask.get("body")
    for selector in [told] if told else ask["words"]["bodies"]:
        for found in _chosen(tree, selector):
            if _words(found):
                return found
    return None


def _attachments(tree: Any, place: Any, ask: Mapping[str, Any], base: str) -> list[dict[str, str]]:
    """Files that the document offers: those chosen, else every link to a file."""
    if ask.get("attachments"):
        chosen = _chosen(tree, ask["attachments"])
        links = [link for one in chosen for link in one.iter("a")]
    else:
        links = list((place if place is not None else tree).iter("a"))
    made: dict[str, dict[str, str]] = {}
    for link in links:
        url = _address(base, link.get("href"))
        ending = _ending(url) or _ending(tidy(link.get("title") or "")) or _ending(_line(link))
        if url and url not in made and (ending or ask.get("attachments")):
            name = _line(link) or tidy(link.get("title") or "") or PurePosixPath(url).name
            made[url] = {"name": name[:MOST_VALUE], "url": url, "format": ending.upper()}
    return list(made.values())[:MOST_ATTACHMENTS]


def _ending(name: str) -> str:
    path = urlsplit(name).path if "://" in name else name
    ending = PurePosixPath(path).suffix.lstrip(".").lower()
    return ending if ending in FILES else ""


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="utf-8") as output:
        main(sys.argv[1], output)
