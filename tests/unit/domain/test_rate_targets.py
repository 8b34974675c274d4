"""Targets as a site writes them: by rate, variant and year."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest

from ckanext.govopen.domain import rates


def test_each_year_has_the_last_target_before_it() -> None:
    texts = ["data_open_rate.headline=2027:70", "data_open_rate.headline=2025:65"]
    ours = replace(rates.DEFAULTS, targets=rates.read_targets(texts))
    percents = [
        rates.target_for("data_open_rate", "headline", date(year, 6, 1), ours)
        for year in (2024, 2025, 2026, 2027)
    ]
    assert percents == [None, 65, 65, 70]
    assert rates.target_for("open_unit_rate", "headline", date(2026, 6, 1), ours) is None
    figure = rates.figure_from_sums(
        "data_open_rate", "headline", date(2026, 6, 1), 13, 20, parameters=ours
    )
    assert (figure.target, figure.meets_target, figure.short_by) == (65, True, 0)


@pytest.mark.parametrize(
    "text",
    ["-", "headline=2025:60", "data_open_rate.headline=25:60", "data_open_rate.headline=2025:101",
     "data_open_rate.strict=2025:60", "data_open_rate.headline=2025:60%"],
)  # fmt: skip
def test_a_target_written_otherwise_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)) as wrong:
        rates.read_targets([text])
    assert str(wrong.value) == text
