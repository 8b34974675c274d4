"""`ckan govopen audit …`: the audit log verified, its head kept, and exported."""

from __future__ import annotations

import json
import sys
from typing import TextIO

import click

import ckan.model as model

from ckanext.govopen.cli.output import as_json, show
from ckanext.govopen.logic import audit as log
from ckanext.govopen.logic import audit_proof

__all__ = ["audit"]


@click.group()
def audit() -> None:
    """The audit log (审计日志)."""


@audit.command("verify")
@as_json
def verify(as_json: bool) -> None:
    """Recomputes the chain and compares it with the heads kept outside the database.

    Exit 1 names the first row that is not what was recorded.
    """
    result = audit_proof.verify(model.Session)
    show(
        result,
        as_json,
        lambda found: [
            f"{found['rows']} rows, {found['heads']} heads kept: "
            + ("holds" if found["holds"] else f"broken at {found['first_broken']}")
            + (f" ({found['problem']})" if found["problem"] else "")
        ],
    )
    sys.exit(0 if result["holds"] else 1)


@audit.command("head")
@as_json
def head(as_json: bool) -> None:
    """Keeps the present head outside the database, as the hourly task does."""
    kept = audit_proof.keep_head(model.Session)
    result = {"seq": kept.seq if kept else None, "hash": kept.hash if kept else None}
    show(result, as_json, lambda one: [f"{one['seq']} {one['hash']}" if kept else "nothing new"])


@audit.command("export")
@click.option("--out", type=click.File("w", encoding="utf-8", lazy=False), default="-")
@click.option("--public", "is_public", is_flag=True, help="Only commitments, for the public.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of JSON lines.")
def export(out: TextIO, is_public: bool, as_json: bool) -> None:
    """Writes every row as a line of JSON; that it was exported is recorded first."""
    with log.acting(None, "command:audit.export"):
        log.note_apart("audit.exported", "audit:log", details={"public": is_public})
    rows = audit_proof.exported(model.Session, is_public=is_public)
    if as_json:
        out.write(json.dumps(list(rows), ensure_ascii=False) + "\n")
        return
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


@audit.command("open")
@click.argument("seq", type=click.IntRange(min=1))
@as_json
def open_row(seq: int, as_json: bool) -> None:
    """Shows what proves the public commitment of one row: its salt and the text it binds."""
    found = audit_proof.opened(model.Session, seq)
    if found is None:
        raise click.ClickException(f"no such row: {seq}")
    show(found, as_json, lambda one: (f"{name}: {value}" for name, value in one.items()))
