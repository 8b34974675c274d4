"""`ckan govopen rules …`: where every clause of the source texts went."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from ckanext.govopen.cli.output import as_json, run, show, table
from ckanext.govopen.logic import rules as packs
from ckanext.govopen.logic.findings import describe

__all__ = ["rules"]

COLUMNS = ("pack", "clause", "from", "to", "kind", "target")
DESTINATIONS = ("rule", "record", "page", "outside")


@click.group()
def rules() -> None:
    """Rule packs: what the source texts ask."""


@rules.command("coverage")
@click.option(
    "--texts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the source texts: compare quotes and positions with them.",
)
@as_json
def coverage(texts: Path | None, as_json: bool) -> None:
    """Lists every operative stretch and where it went; exit 1 unless everything holds."""
    heads = run("govopen_rule_pack_list", None, {})["items"]
    rows = [row for head in heads for row in _rows(head["id"])]
    found = packs.findings(texts)
    refused = [finding for finding in found if finding.is_refusal]
    result = {
        "packs": [{"pack": head["id"], **head["counts"]} for head in heads],
        "compared_with_texts": texts is not None,
        "refused": [describe(finding) for finding in refused],
        "warnings": [describe(finding) for finding in found if not finding.is_refusal],
        "covered": rows,
    }
    show(result, as_json, _lines)
    sys.exit(1 if refused else 0)


def _rows(pack_id: str) -> Iterable[dict[str, Any]]:
    for one in run("govopen_rule_pack_show", None, {"id": pack_id})["covered"]:
        kind = next(name for name in DESTINATIONS if name in one)
        place = {name: one[name] for name in ("clause", "from", "to")}
        yield {"pack": pack_id, **place, "kind": kind, "target": one[kind]}


def _lines(result: Mapping[str, Any]) -> Iterable[str]:
    yield from table(result["covered"], COLUMNS)
    yield ""
    yield from table(result["packs"], ("pack", "rules", *DESTINATIONS, "unmapped"))
    for finding in (*result["refused"], *result["warnings"]):
        yield f"{finding['code']}\t{finding['text']}"
