"""Names of uploaded files."""

from __future__ import annotations

import pytest

from ckanext.govopen.logic import files


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("停车场.csv", "ting-che-chang.csv"),
        ("公共停车场（2026 年）.XLSX", "gong-gong-ting-che-chang-2026-nian.xlsx"),
        ("C:\\数据\\表.csv", "biao.csv"),
        ("car parks.csv", "car-parks.csv"),
    ],
)
def test_a_file_keeps_a_readable_name_and_its_ending(given, kept):
    assert files.safe_name(given) == kept
