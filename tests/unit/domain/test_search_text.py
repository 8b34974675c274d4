"""Chinese phrases become pairs; everything else stays as it was typed."""

import pytest

from ckanext.govopen.domain.search_text import in_pairs


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("停车场", "停车 车场"),
        ("公共停車場", "公共 共停 停車 車場"),
        ("停车 收费", "停车 收费"),
        ("水", "水"),
        ("2026年空气质量", "2026 年空 空气 气质 质量"),
        ("parking lots", "parking lots"),
        ("A级纳税人", "A 级纳 纳税 税人"),
        ("", ""),
    ],
)
def test_a_phrase_is_asked_for_by_its_pairs(typed: str, asked: str) -> None:
    assert in_pairs(typed) == asked
