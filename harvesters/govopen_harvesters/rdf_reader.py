"""The program that reads RDF nobody has checked: run as `python -m`, within hard limits.

`FILE FORMAT OUT` writes a JSON line for each dataset, then one with what the catalogue says of its
size and its next page; or one with the reason for which the file is refused. It asks for nothing
on the network: a context of JSON-LD that lies elsewhere is refused, and so is any DOCTYPE.
"""

from __future__ import annotations

import json
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pyoxigraph as ox

MOST_MEMORY = 1200 << 20
CPU_SECONDS = 240
PEEK = 1 << 16
FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "xml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
    "ntriples": ox.RdfFormat.N_TRIPLES,
}
DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.IGNORECASE)
DCAT, DCT = "http://www.w3.org/ns/dcat#", "http://purl.org/dc/terms/"
RDF_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
HYDRA = "http://www.w3.org/ns/hydra/core#"
LANGUAGES = ("zh-hans", "zh-cn", "zh", "", "zh-hant", "zh-tw", "en")
# What stands in a node of its own and is part of the dataset; deeper ones are named, not followed.
FOLLOWED = 2


def main(file: str, format_: str, out: IO[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    try:
        store = _read(Path(file), format_)
    except (SyntaxError, ValueError) as error:
        out.write(json.dumps({"refused": str(error)[:300]}) + "\n")
        return
    for dataset in _datasets(store):
        out.write(json.dumps({"dataset": dataset}, ensure_ascii=False) + "\n")
    out.write(json.dumps({"end": _catalogue(store)}) + "\n")


def _read(path: Path, format_: str) -> Any:
    with path.open("rb") as stream:
        if DOCTYPE.search(stream.read(PEEK)) and format_ == "xml":
            raise ValueError("a document type is declared")
    store = ox.Store()
    store.bulk_load(path=str(path), format=FORMATS[format_])
    return store


def _datasets(store: Any) -> Iterator[dict[str, Any]]:
    """Every dataset once, in the order of their names."""
    found = store.quads_for_pattern(None, RDF_TYPE, ox.NamedNode(f"{DCAT}Dataset"))
    for node in sorted({quad.subject for quad in found}, key=str):
        values = _node(store, node, 0, set())
        uri = node.value if isinstance(node, ox.NamedNode) else None
        yield {"uri": uri, **values}


def _node(store: Any, node: Any, depth: int, above: set[Any]) -> dict[str, Any]:
    """What is said of a node, by the last part of each predicate's name."""
    texts: dict[str, list[Any]] = {}
    for quad in store.quads_for_pattern(node, None, None):
        if quad.predicate != RDF_TYPE:
            name = re.split(r"[/#]", quad.predicate.value.rstrip("/#"))[-1]
            texts.setdefault(name, []).append(quad.object)
    return {
        name: _value(store, objects, name, depth, above | {node})
        for name, objects in sorted(texts.items())
    }


def _value(store: Any, objects: list[Any], name: str, depth: int, above: set[Any]) -> Any:
    parts = [each for each in objects if not isinstance(each, ox.Literal)]
    if name == "distribution":
        return [_part(store, each, depth, above) for each in sorted(parts, key=str)]
    if name == "keyword":
        return sorted({each.value for each in objects if isinstance(each, ox.Literal)})
    if parts:
        found = [_part(store, each, depth, above) for each in sorted(parts, key=str)]
        return found[0] if len(found) == 1 else found
    return _in_words(objects)


def _part(store: Any, node: Any, depth: int, above: set[Any]) -> Any:
    """A node as part of another: its own values where there are any, else its name."""
    if depth < FOLLOWED and node not in above:
        values = _node(store, node, depth + 1, above)
        if values:
            named = {"uri": node.value} if isinstance(node, ox.NamedNode) else {}
            return {**named, **values}
    return node.value if isinstance(node, ox.NamedNode) else None


def _in_words(literals: list[Any]) -> str:
    """One text of several languages: Chinese before others."""

    def rank(one: Any) -> tuple[int, str]:
        language = (one.language or "").lower()
        return (LANGUAGES.index(language) if language in LANGUAGES else len(LANGUAGES), one.value)

    return str(sorted(literals, key=rank)[0].value)


def _catalogue(store: Any) -> dict[str, Any]:
    """What the page says of the whole: how many there are, and where it goes on."""
    said: dict[str, Any] = {}
    for name, key in (("totalItems", "total"), ("next", "next"), ("nextPage", "next")):
        for quad in store.quads_for_pattern(None, ox.NamedNode(HYDRA + name), None):
            said.setdefault(key, quad.object.value)
    return said


if __name__ == "__main__":
    with open(sys.argv[3], "w", encoding="utf-8") as output:
        main(sys.argv[1], sys.argv[2], output)
