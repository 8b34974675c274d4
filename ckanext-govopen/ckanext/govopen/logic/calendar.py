"""The work calendar from its data file."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from ckanext.govopen.domain.calendar import WorkCalendar

FOLDER = Path(__file__).parents[1] / "data" / "calendar"


@lru_cache(maxsize=64)  # whoever asks names the region
def work_calendar(region: str = "CN") -> WorkCalendar:
    """Working days of a region: the national table, and the region's decrees where there are any.

    Raises:
        FileNotFoundError: there is no national table.
    """
    names = ["CN"] if region == "CN" or not (FOLDER / f"{region}.json").exists() else ["CN", region]
    tables = [json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")) for name in names]
    return WorkCalendar.from_tables(*tables, region=region)
