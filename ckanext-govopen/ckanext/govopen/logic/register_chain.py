"""The public chain of a register as lines that anybody can verify without this platform."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from ckanext.govopen.model import registers as store

# The program that verifies such a file, for download.
VERIFIER = Path(__file__).parents[1] / "data" / "recompute" / "verify_register.py"
_LINES = 500


def chain_lines(session: Session, register_id: str) -> Iterator[str]:
    """JSON lines of the chain, some hundred at a time."""
    block: list[str] = []
    for row in store.public_chain(session, register_id):
        block.append(json.dumps(_line(row), ensure_ascii=False, separators=(",", ":")))
        if len(block) == _LINES:
            yield _joined(block)
            block.clear()
    if block:
        yield _joined(block)


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _line(row: Mapping[str, object]) -> dict[str, object]:
    line: dict[str, object] = {"position": row["position"], "public": None}
    if row["public"] is not None:
        data = bytes(row["public"])  # type: ignore[call-overload]
        try:
            line["public"] = data.decode()
        except UnicodeDecodeError:  # bytes that somebody changed are shown as they are
            line["public_base64"] = base64.b64encode(data).decode()
    names = ("public_hash", "private_hash", "prev_hash", "hash")
    return {**line, **{name: row[name] for name in names}}
