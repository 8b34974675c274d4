"""Standard catalogues of four layouts are read as what their offices meant; faults name the cell."""

from __future__ import annotations

from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from standard_books import LAYOUTS, OWNER, UNITS, make_items, shown

from ckanext.govopen.domain.intake import IntakeRefused
from ckanext.govopen.logic.standard_intake import Catalogue, Given, read_catalogue

GIVEN = Given(OWNER, {unit: unit for unit in UNITS}.get)


def read(path: Path, given: Given = GIVEN) -> Catalogue:
    return read_catalogue(path, given)


def written(folder: Path, layout: str, seed: int = 1, each: int = 9) -> tuple[Path, list]:
    write, ending, _, _ = LAYOUTS[layout]
    domains = (
        ["elderly_care"]
        if layout in ("with_stages", "text_table")
        else ["social_assistance", "health"]
    )
    items = make_items(seed, domains, each)
    path = folder / f"{layout}.{ending}"
    write(path, items)
    return path, items


class TestLayouts:
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("seed", [1, 20260327])
    def test_every_layout_gives_back_its_items(
        self, tmp_path: Path, layout: str, seed: int
    ) -> None:
        path, items = written(tmp_path, layout, seed)
        given = Given(OWNER, GIVEN.find_unit, domain="elderly_care")
        found = [
            {name: value for name, value in row.fields.items() if name != "seq"}
            for row in read(path, given).rows
        ]
        assert found == [shown(item, layout) for item in items]

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_a_clean_file_has_no_refusal(self, tmp_path: Path, layout: str) -> None:
        path, _ = written(tmp_path, layout)
        catalogue = read(path, Given(OWNER, GIVEN.find_unit, domain="elderly_care"))
        assert [one for row in catalogue.rows for one in row.findings if one.is_refusal] == []

    def test_a_cover_without_a_table_is_passed_over(self, tmp_path: Path) -> None:
        path, _ = written(tmp_path, "official")
        catalogue = read(path)
        assert catalogue.skipped == ("封面",)
        assert [sheet.name for sheet in catalogue.sheets] == ["社会救助领域", "卫生健康领域"]

    def test_the_four_digits_of_a_county_become_a_code(self, tmp_path: Path) -> None:
        path, _ = written(tmp_path, "one_row")
        assert read(path).rows[0].item_code == "social_assistance-00-01"


class TestBadInput:
    def test_an_unknown_mark_is_named_with_sheet_and_cell(self, tmp_path: Path) -> None:
        path, _ = written(tmp_path, "official")
        book = load_workbook(path)
        book["卫生健康领域"]["H6"] = "◐政府网站 □政府公报"
        book["社会救助领域"]["M5"] = "▲"
        book.save(path)
        found = [one for row in read(path).rows for one in row.findings if one.is_refusal]
        assert [(one.code, one.sheet, one.cell, one.value) for one in found] == [
            ("standards.E11", "社会救助领域", "M5", "▲"),
            ("standards.E11", "卫生健康领域", "H6", "◐政府网站"),
        ]

    def test_a_workbook_without_the_header_is_refused_and_says_where(self, tmp_path: Path) -> None:
        book = Workbook()
        book.active.title = "通知"
        book.active.append(["关于报送目录的通知"])
        book.active.append(["各单位："])
        book.save(tmp_path / "notice.xlsx")
        with pytest.raises(IntakeRefused) as refused:
            read(tmp_path / "notice.xlsx")
        first = refused.value.findings[0]
        assert (first.code, first.sheet) == ("standards.E11", "通知")

    def test_a_file_that_is_none_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 not a workbook")
        with pytest.raises(IntakeRefused) as refused:
            read(tmp_path / "broken.xlsx")
        assert refused.value.findings[0].code == "standards.E11"

    def test_a_sheet_without_a_field_takes_the_one_that_the_sender_names(
        self, tmp_path: Path
    ) -> None:
        path, _ = written(tmp_path, "text_table")
        unnamed = read(path)
        assert {one.code for row in unnamed.rows for one in row.findings} == {"standards.E14"}
        named = read(path, Given(OWNER, GIVEN.find_unit, domain="elderly_care"))
        assert {row.fields["domain"] for row in named.rows} == {"elderly_care"}
