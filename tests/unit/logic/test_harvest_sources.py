"""What a source said is opened as far as one may, however small it was packed."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from ckanext.govopen.logic.harvest_sources import LISTED_RAW, LONGEST_RAW, opened


def packed(value: Any) -> bytes:
    return zlib.compress(json.dumps(value, ensure_ascii=False).encode(), 9)


@pytest.mark.parametrize("value", [{}, {"名称": "停车场"}, {"a": "x" * 10_000}])
def test_what_was_kept_is_shown(value: Any) -> None:
    assert opened(packed(value), LISTED_RAW) == value
    assert opened(memoryview(packed(value))) == value


def test_what_is_more_than_may_be_shown_is_left_out_before_it_is_unpacked() -> None:
    long = packed({"a": "x" * LISTED_RAW})
    assert len(long) < 200
    assert opened(long, LISTED_RAW) is None
    assert opened(long) == {"a": "x" * LISTED_RAW}
    assert opened(packed("x" * LONGEST_RAW)) is None
    assert opened(None) is None
