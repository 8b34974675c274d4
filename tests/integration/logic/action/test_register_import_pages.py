"""The wizard that brings a list in: compare, look at each problem, make the draft."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office
from publishing_kit import office as open_office
from test_change_pages import read, signed_in

HEADER = "条目编码,权力名称,权力类型,行使主体,设定依据"
ROWS = (
    "A-000001,占道许可,行政许可,市住建局,《城市道路管理条例》第三十一条",
    "A-000002,挖掘许可,许可证,市住建局,《城市道路管理条例》第三十三条",
)


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    """One office, whose forms are sent without a token; the other tests' check it again."""
    application.config["WTF_CSRF_ENABLED"] = False
    try:
        with open_office(application) as one:
            yield one
    finally:
        application.config["WTF_CSRF_ENABLED"] = True


def test_a_file_is_compared_corrected_and_made_a_draft(office: Office) -> None:
    file = "\n".join([HEADER, *ROWS]).encode()
    with signed_in(office, "officer") as client:
        form = "/workbench/registers/import"
        assert office.unit_id in read(client, form)
        answer = client.post(form, data={
            "register_type": "power_list", "unit": office.unit_id,
            "upload": (BytesIO(file), "powers.csv"),
        })  # fmt: skip
        assert answer.status_code == 302
        report = answer.location
        shown = read(client, f"{report}?verdict=rejected")
        assert "C3" in shown
        assert "许可证" in shown
        assert "行政许可、行政处罚" in shown
        refused = client.post(f"{report}/apply", data={"reason": "年度清理"})
        assert refused.status_code == 409
        made = client.post(f"{report}/apply", data={"reason": "年度清理", "accepted_only": "true"})
        assert made.status_code == 302
        (draft,) = re.findall(
            r'href="([^"]*/workbench/registers/[0-9a-f-]{36})"', read(client, report)
        )
        assert "占道许可" in read(client, draft)
        assert client.get(f"{report}/state").get_json()["done"] is True
    drafts = office.act("officer", "govopen_register_draft_list", unit=office.unit_id)["items"]
    assert [(one["reason"], one["entries"]) for one in drafts] == [("年度清理", 1)]


def test_the_report_comes_back_corrected(office: Office) -> None:
    file = "\n".join([HEADER, *ROWS]).encode()
    with signed_in(office, "officer") as client:
        fields = {"register_type": "power_list", "unit": office.unit_id}
        answer = client.post(
            "/workbench/registers/import",
            data={**fields, "upload": (BytesIO(file), "powers.csv")},
        )
        book = load_workbook(BytesIO(client.get(f"{answer.location}/report.xlsx").data))
        book.active["C3"] = "行政许可"
        corrected = BytesIO()
        book.save(corrected)
        corrected.seek(0)
        again = client.post(
            "/workbench/registers/import", data={**fields, "upload": (corrected, "powers.xlsx")}
        )
        assert "A-000002" in read(client, f"{again.location}?verdict=created")
        assert "A-000002" not in read(client, f"{again.location}?verdict=rejected")


def test_an_empty_workbook_is_there_for_every_type(office: Office) -> None:
    with signed_in(office, "officer") as client:
        book = load_workbook(
            BytesIO(client.get("/workbench/registers/template/fee_list.xlsx").data)
        )
        assert book.active["A1"].value == "条目编码"
        assert client.get("/workbench/registers/template/nothing.xlsx").status_code == 404
