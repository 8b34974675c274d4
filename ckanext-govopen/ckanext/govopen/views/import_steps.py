"""What the pages of every import share: its states and verdicts in words, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock

BACKGROUND_ROWS = 5_000
BACKGROUND_BYTES = 512 * 1024  # what 5,000 rows come to in a small spreadsheet
VERDICTS = ("rejected", "draft", "changed", "created", "unchanged")
ROWS_SHOWN = 30


def verdict_label(verdict: str) -> str:
    """Words for what an import does with a row."""
    return {
        "created": tk._("New"),
        "changed": tk._("Changed"),
        "unchanged": tk._("Unchanged"),
        "draft": tk._("Draft, incomplete"),
        "rejected": tk._("Rejected"),
    }[verdict]


def import_state_label(state: str) -> str:
    return {
        "uploaded": tk._("Uploaded"),
        "checking": tk._("Being checked"),
        "checked": tk._("Checked, not applied"),
        "applying": tk._("Being applied"),
        "applied": tk._("Applied"),
        "failed": tk._("Could not be read"),
        "undone": tk._("Undone"),
    }[state]


def is_large(upload: Any) -> bool:
    size = upload.stream.seek(0, 2)
    upload.stream.seek(0)
    return bool(size > BACKGROUND_BYTES)


def is_busy(shown: Mapping[str, Any]) -> bool:
    stage = (shown.get("progress") or {}).get("stage")
    return shown["state"] in ("checking", "applying") or stage in ("queued", "running")


def stage_of(shown: Mapping[str, Any], writing: str) -> str:
    """What is being done; `writing` is how the applying is called."""
    progress = shown.get("progress") or {}
    if progress.get("stage") == "queued":
        return tk._("Waiting for its turn")
    if shown["state"] == "applying" or progress.get("task") == "apply":
        return writing
    return tk._("Reading and checking the file")


def seconds_of(shown: Mapping[str, Any]) -> int:
    since = (shown.get("progress") or {}).get("since") or shown.get("started_at")
    if not since:
        return 0
    return max(0, int((clock.now() - datetime.fromisoformat(since)).total_seconds()))


def first_verdict(shown: Mapping[str, Any]) -> str:
    counts = {**shown, "draft": shown.get("drafts", 0)}
    return next((name for name in VERDICTS if counts.get(name)), "unchanged")
