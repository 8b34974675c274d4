"""The standard catalogue from a file, lists of powers, a template or a package to its public pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from publishing_kit import Office, upload
from publishing_kit import office as open_office
from standard_books import make_items, official, one_row, with_stages
from standards_kit import Lot, item, open_units, power, publish

import ckan.plugins.toolkit as tk


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.hire("office", ("disclosure_office",))
        yield one


def book(folder: Path, write: Any, items: Any, name: str = "目录.xlsx") -> bytes:
    path = folder / name
    write(path, items)
    return path.read_bytes()


def hand_in(office: Office, draft_id: str) -> None:
    handed = office.act("officer", "govopen_register_draft_submit", id=draft_id)
    office.approve(handed["case_id"])


def listed(office: Office, **asked: Any) -> dict[str, dict[str, Any]]:
    found = office.act("stranger", "govopen_disclosure_item_list", limit=1000, **asked)
    return {one["item_code"]: one for one in found["items"]}


def refused(office: Office, action: str, person: str = "officer", /, **data: Any) -> str:
    with pytest.raises(tk.ValidationError) as caught:
        office.act(person, action, **data)
    return str(caught.value.govopen["code"])


class TestImport:
    """A file in the uniform form becomes a draft, the draft the public catalogue."""

    def test_a_file_becomes_the_public_catalogue(self, office: Office, tmp_path: Path) -> None:
        items = make_items(7, ["elderly_care"], 6)
        data = book(tmp_path, with_stages, items)
        report = office.act(
            "officer",
            "govopen_disclosure_import",
            unit=office.unit_id,
            upload=upload(data, "目录.xlsx"),
        )
        assert (report["rows"], report["created"], report["rejected"]) == (6, 6, 0)
        assert listed(office, unit=office.unit_id, domain="elderly_care") == {}
        hand_in(office, report["draft_id"])
        shown = listed(office, unit=office.unit_id, domain="elderly_care")
        assert [one["item_l2"] for one in shown.values()] == [one["name"] for one in items]
        first = next(iter(shown.values()))
        assert first["five_open"] == items[0]["five_open"]
        assert first["legal_basis"] == items[0]["legal_basis"]
        assert first["standing"]["state"] == "never_published"

    def test_the_same_file_again_makes_no_draft(self, office: Office, tmp_path: Path) -> None:
        data = book(tmp_path, with_stages, make_items(7, ["elderly_care"], 6))
        report = office.act(
            "officer",
            "govopen_disclosure_import",
            unit=office.unit_id,
            upload=upload(data, "再.xlsx"),
        )
        assert (report["unchanged"], report["draft_id"]) == (6, None)

    def test_a_dry_run_and_a_refused_row_make_no_draft(
        self, office: Office, tmp_path: Path
    ) -> None:
        path = tmp_path / "官方.xlsx"
        official(path, make_items(8, ["health"], 5))
        workbook = load_workbook(path)
        workbook["卫生健康领域"]["H6"] = "◐政府网站"
        workbook.save(path)
        asked = {"unit": office.unit_id, "upload": upload(path.read_bytes(), "官方.xlsx")}
        report = office.act("officer", "govopen_disclosure_import", **asked)
        assert (report["rejected"], report["draft_id"]) == (1, None)
        (row,) = [one for one in report["items"] if one["verdict"] == "rejected"]
        assert (row["sheet"], row["row"]) == ("卫生健康领域", 6)
        assert (row["findings"][0]["code"], row["findings"][0]["cell"]) == ("standards.E11", "H6")

    def test_accepted_rows_go_into_a_draft_that_says_what_it_lacks(
        self, office: Office, tmp_path: Path
    ) -> None:
        items = [one for one in make_items(9, ["health"], 9) if "county" in one["levels"]]
        data = book(tmp_path, official, items)
        report = office.act(
            "officer",
            "govopen_disclosure_import",
            unit=office.unit_id,
            upload=upload(data, "无环节.xlsx"),
        )
        assert report["incomplete"] == len(items) > 2
        assert {one["code"] for row in report["items"] for one in row["lacks"]} == {"standards.E13"}
        code = refused(office, "govopen_register_draft_submit", id=report["draft_id"])
        assert code == "standards.E13"
        office.act("officer", "govopen_register_draft_drop", id=report["draft_id"])

    def test_a_file_that_is_no_catalogue_is_refused(self, office: Office) -> None:
        asked = {"unit": office.unit_id, "upload": upload(b"a,b\n1,2\n", "x.csv")}
        assert refused(office, "govopen_disclosure_import", **asked) == "standards.E11"

    def test_a_stranger_imports_nothing(self, office: Office) -> None:
        with pytest.raises(tk.NotAuthorized):
            office.act("stranger", "govopen_disclosure_import", unit=office.unit_id)


class TestDerivation:
    def test_items_are_derived_from_lists_with_the_link_kept(self, office: Office) -> None:
        codes = [f"{office.mark}-D{number}" for number in range(3)]
        entries = {code: power(f"占道审批{code}") for code in codes}
        publish(office, [Lot("power_list", office.unit_id, entries)])
        found = office.act(
            "officer", "govopen_disclosure_derivation_list", unit=office.unit_id, limit=1000
        )
        assert {one["source_code"] for one in found["items"]} >= set(codes)
        made = office.act(
            "officer", "govopen_disclosure_derivation_create", unit=office.unit_id,
            domain="municipal_services",
            sources=[{"type": "power_list", "code": code} for code in codes[:2]],
        )  # fmt: skip
        assert made["items"] == 2
        hand_in(office, made["draft_id"])
        shown = [
            one for one in listed(office, unit=office.unit_id, domain="municipal_services").values()
            if one["source_entry"][0]["code"] in codes
        ]  # fmt: skip
        assert sorted(one["source_entry"][0]["code"] for one in shown) == codes[:2]
        assert {one["standing"]["state"] for one in shown} == {"fulfilled"}
        assert shown[0]["publications"][0]["url"].endswith(shown[0]["source_entry"][0]["code"])
        left = office.act(
            "officer", "govopen_disclosure_derivation_list", unit=office.unit_id, limit=1000
        )
        assert not {one["source_code"] for one in left["items"]} & set(codes[:2])

    def test_a_field_must_be_chosen(self, office: Office) -> None:
        publish(
            office,
            [Lot("power_list", office.unit_id, {f"{office.mark}-F1": power("未定领域事项")})],
        )
        code = refused(office, "govopen_disclosure_derivation_create", unit=office.unit_id)
        assert code == "standards.E14"


class TestTemplate:
    def test_items_move_to_their_places_in_the_superiors_template(
        self, office: Office, tmp_path: Path
    ) -> None:
        unit = open_units(office, 1)[0]
        domain = "health"
        codes = [f"{domain}-{int(office.mark, 16)}-{number:02}" for number in range(1, 4)]
        rows = make_items(11, [domain], 5)
        names = (rows[0]["name"], rows[1]["name"], "本地特色活动")
        publish(office, [Lot("disclosure_standard", unit, {
            code: item(name, "试验局", item_l1="旧栏目") for code, name in zip(codes, names, strict=True)
        })])  # fmt: skip
        template = office.act(
            "office", "govopen_disclosure_template_create", title="县级主动公开目录规范", issuer=f"省办{office.mark}",
            year=2019, upload=upload(book(tmp_path, one_row, rows), "规范.xlsx"),
        )  # fmt: skip
        asked = {"id": template["id"], "unit": unit}
        shown = office.act("office", "govopen_disclosure_template_show", **asked)
        assert shown["homeless"] == [codes[2]]
        assert {pair["how"] for pair in shown["pairs"]} == {"like", "none"}
        assert len(shown["new_only"]) == 3
        given = {pair["old"]: pair["new"] for pair in shown["pairs"] if pair["new"]}
        decided = office.act("root", "govopen_disclosure_mapping_update", **asked, given=given)
        assert decided["undecided"] == []
        made = office.act("root", "govopen_disclosure_mapping_apply", **asked, with_new=True)
        assert (made["moved"], made["added"], made["homeless"]) == (2, 3, [codes[2]])
        draft = office.act("root", "govopen_register_draft_show", id=made["draft_id"], limit=1000)
        moved = {
            one["entry_code"]: one["fields"] for one in draft["items"] if one["kind"] == "change"
        }
        assert moved[codes[0]]["item_l1"] != "旧栏目"
        assert moved[codes[0]]["template_code"] == given[codes[0]]

    def test_a_place_is_given_once(self, office: Office, tmp_path: Path) -> None:
        rows = make_items(12, ["health"], 2)
        template = office.act(
            "office", "govopen_disclosure_template_create", title="目录", issuer=f"省办{office.mark}",
            year=2020, upload=upload(book(tmp_path, one_row, rows), "规范.xlsx"),
        )  # fmt: skip
        code = refused(
            office, "govopen_disclosure_mapping_update", "root", id=template["id"],
            unit=office.unit_id, given={"health-99-99": "health-00-01"},
        )  # fmt: skip
        assert code == "standards.E18"

    def test_only_the_office_keeps_templates(self, office: Office) -> None:
        with pytest.raises(tk.NotAuthorized):
            office.act("officer", "govopen_disclosure_template_create", title="x")


class TestTwoCatalogues:
    @pytest.fixture(scope="class")
    def pair(self, office: Office) -> tuple[str, str]:
        left, right = open_units(office, 2)
        number = int(office.mark, 16)
        publish(office, [
            Lot("disclosure_standard", left, {
                f"health-{number}-71": item("甲项", "甲", time_limit="10个工作日内"),
                f"health-{number}-72": item("乙项", "甲"),
                f"health-{number}-73": item("丙项", "甲"),
            }),
            Lot("disclosure_standard", right, {
                f"health-{number}-81": item("甲项", "乙"),
                f"health-{number}-82": item("乙项", "乙"),
                f"health-{number}-83": item("丁项", "乙", added_by_pilot=True),
            }),
        ])  # fmt: skip
        return left, right

    def test_missing_extra_and_differing_rows_are_shown(
        self, office: Office, pair: tuple[str, str]
    ) -> None:
        found = office.act(
            "stranger", "govopen_disclosure_alignment_show", unit=pair[0], other=pair[1]
        )
        assert [one["name"] for one in found["missing"]] == ["行政权力 / 丙项"]
        assert [one["name"] for one in found["extra"]] == ["行政权力 / 丁项"]
        assert [list(one["fields"]) for one in found["differing"]] == [["time_limit"]]
        assert found["equal"] == 1

    def test_a_package_gives_another_unit_the_same_items_and_rules(
        self, office: Office, pair: tuple[str, str]
    ) -> None:
        package = office.act("stranger", "govopen_disclosure_package_show", unit=pair[1])
        (other,) = open_units(office, 1)
        report = office.act(
            "root", "govopen_disclosure_package_import", unit=other,
            upload=upload(package["text"].encode(), "包.json"), dry_run=True,
        )  # fmt: skip
        # in one region the codes belong to the maker; another district has a region of its own
        assert (report["items"], len(report["held"]), report["draft_id"]) == (3, 3, None)
        assert report["rules"]["differing"] == report["rules"]["missing"] == []
        assert len(report["rules"]["same"]) >= 6

    def test_another_district_gets_the_same_items(
        self, office: Office, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A district has a division code of its own, so the codes of the items are free there."""
        package = office.act("stranger", "govopen_disclosure_package_show", unit=pair[1])
        (other,) = open_units(office, 1)
        region = str(int(office.mark, 16) % 900_000 + 100_000)
        monkeypatch.setitem(tk.config, "ckanext.govopen.region_code", region)
        report = office.act(
            "root", "govopen_disclosure_package_import", unit=other,
            upload=upload(package["text"].encode(), "包.json"),
        )  # fmt: skip
        assert (report["created"], report["held"]) == (3, [])
        draft = office.act("root", "govopen_register_draft_show", id=report["draft_id"])
        made = {one["entry_code"]: one["fields"] for one in draft["items"]}
        theirs = listed(office, unit=pair[1])
        assert made.keys() == theirs.keys()
        for code, fields in made.items():
            assert fields["name"] == theirs[code]["item_l2"]
            assert fields["legal_basis"] == theirs[code]["legal_basis"]
            assert fields["time_limit"] == theirs[code]["time_limit"]["raw"]
            assert "乙" not in fields["bodies"]
        assert [one for one in draft["findings"] if one["is_refusal"]] == []

    def test_a_changed_package_is_refused(self, office: Office, pair: tuple[str, str]) -> None:
        package = office.act("stranger", "govopen_disclosure_package_show", unit=pair[1])
        text = package["text"].replace("甲项", "申项")
        code = refused(
            office, "govopen_disclosure_package_import", "root", unit=pair[0],
            upload=upload(text.encode(), "包.json"),
        )  # fmt: skip
        assert code == "standards.E16"


class TestColumns:
    def test_missing_and_empty_columns_are_counted(self, office: Office) -> None:
        unit = open_units(office, 1)
        code = f"health-{int(office.mark, 16)}-91"
        publish(office, [
            Lot("disclosure_standard", unit[0], {code: item("栏目事项", "试验局")}),
            Lot("site_column_list", unit[0], {
                f"{office.mark}-c1": {"site": f"网站{office.mark}", "name": "空栏目", "domain": "taxation"},
            }),
        ])  # fmt: skip
        found = office.act("stranger", "govopen_disclosure_column_list")
        own = [one for one in found["items"] if one["unit_id"] == unit[0]]
        assert sorted((one["fault"], one["domain"]) for one in own) == [
            ("empty", "taxation"), ("missing", "health"),
        ]  # fmt: skip


class TestPilots:
    def test_the_checklist_of_a_pilot_has_figures(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (unit,) = open_units(office, 1)
        number, powers = int(office.mark, 16), [f"{office.mark}-K{at}" for at in range(2)]
        source = [{"type": "power_list", "code": powers[0]}]
        publish(office, [
            Lot("power_list", unit, {code: power(f"试点{code}") for code in powers}),
            Lot("disclosure_standard", unit, {
                f"health-{number}-61": item("试点事项", "试点", source_entry=source, added_by_pilot=True),
            }),
        ])  # fmt: skip
        monkeypatch.setitem(tk.config, "ckanext.govopen.pilot_units", [unit])
        (pilot,) = office.act("stranger", "govopen_disclosure_pilot_list")["items"]
        steps = {one["action"]: (one["state"], one["done"], one["of"]) for one in pilot["steps"]}
        assert (pilot["unit_id"], pilot["added"]) == (unit, 1)
        assert steps["sort_items"] == ("partly", 1, 2)
        assert steps["write_standards"] == ("done", 1, 1)
        assert steps["regulate_flow"] == ("open", 0, 1)


class TestPages:
    """Pages and files of a catalogue, in both languages."""

    @pytest.fixture(scope="class")
    def shown(self, office: Office) -> tuple[str, str]:
        unit = open_units(office, 1)[0]
        code = f"taxation-{int(office.mark, 16)}-01"
        publish(office, [Lot("disclosure_standard", unit, {
            code: item("税收优惠政策", "税务局", domain="taxation",
                       channels=["gov_website", "other"], channel_other="办税厅"),
        })], 200)  # fmt: skip
        return unit, code

    @pytest.mark.parametrize("language", ["", "/en"])
    def test_the_uniform_form_shows_boxes_ticks_and_what_is_due(
        self, client: FlaskClient, shown: tuple[str, str], language: str
    ) -> None:
        page = client.get(f"{language}/standards/taxation?unit={shown[0]}").text
        assert "■政府网站" in page
        assert "■其他 办税厅" in page
        assert "【行政法规】《政府信息公开条例》（国务院令第711号）" in page
        assert ("应于" if not language else "was due on") in page

    def test_an_item_has_its_page_and_a_stranger_none(
        self, client: FlaskClient, shown: tuple[str, str]
    ) -> None:
        page = client.get(f"/standards/items/{shown[1]}?unit={shown[0]}")
        assert (page.status_code, "税收优惠政策" in page.text) == (200, True)
        assert client.get("/standards/items/taxation-99-99").status_code == 404
        assert client.get("/standards/nonsense").status_code == 404

    @pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
    def test_every_table_is_a_file_too(
        self, client: FlaskClient, shown: tuple[str, str], kind: str
    ) -> None:
        for place in ("taxation", "coverage", "columns", "pilots"):
            answer = client.get(f"/standards/{place}.{kind}?unit={shown[0]}")
            assert answer.status_code == 200, place
        rows = client.get(f"/standards/taxation.{kind}?unit={shown[0]}").data
        if kind == "xlsx":
            sheet = load_workbook(io.BytesIO(rows)).active
            assert sheet.cell(2, 2).value == shown[1]
        else:
            assert shown[1].encode() in rows

    def test_the_fields_show_24_pilots_of_three_districts(self, office: Office) -> None:
        found = office.act("stranger", "govopen_disclosure_domain_list")["items"]
        pilots = [one["pilot"]["zh"] for one in found if one["pilot"]]
        assert {name: pilots.count(name) for name in pilots} == {
            "河西区": 9,
            "津南区": 8,
            "武清区": 7,
        }
        assert sum(one["number"] <= 26 for one in found) == 26

    def test_coverage_counts_what_is_owed(
        self, office: Office, shown: tuple[str, str], client: FlaskClient
    ) -> None:
        (row,) = office.act("stranger", "govopen_disclosure_coverage_list", unit=shown[0])["items"]
        assert (row["numerator"], row["denominator"], row["never_published"]) == (0, 1, 1)
        assert row["stages"]["result"] == 1
        topics = office.act("stranger", "govopen_disclosure_topic_matrix")["items"]
        (care,) = [one for one in topics if one["topic"] == "medical_care"]
        assert care["phases"]["after"]["items"] >= 1
        page = client.get("/standards/topics").text
        assert page.count('<th scope="row">') == len(topics) == 7
        assert len(client.get("/standards/topics.json").json["items"]) == 21

    def test_gaps_are_not_for_strangers(self, office: Office) -> None:
        with pytest.raises(tk.NotAuthorized):
            office.act("stranger", "govopen_disclosure_gap_list")
        found = office.act("officer", "govopen_disclosure_gap_list", unit=office.unit_id)
        assert {one["unit_id"] for one in found["items"]} <= {office.unit_id}
