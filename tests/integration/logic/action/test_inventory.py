"""The spreadsheet intake on a real stack: every row accounted for, nothing half-written."""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from openpyxl import load_workbook

sys.path.insert(0, str(Path(__file__).parent))
import sqlalchemy as sa
from publishing_kit import CSV, Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import accounts
from ckanext.govopen.logic.intake import field_of

HEADER = (
    "信息资源名称,信息资源提供方,信息资源分类,信息资源摘要,信息资源格式,信息项,共享类型,开放类型,"
    "更新周期,涉密属性,数据级别,计划开放日期,链接"
)
REAL = Path(__file__).parents[5] / "shared" / "real" / "taoyuan-open-data-inventory.xls"
CONSTANTS = {
    "res_class": "3/00/000",
    "share_type": "1",
    "open_type": "unconditional",
    "secrecy": "non_secret",
    "sensitivity": "L1",
    "planned_open_on": "2030-12-31",
    "formats": "CSV",
    "format_category": "spreadsheet",
    "items": "未说明",
    "item_data_type": "M",
}


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def line(name: str, unit: str, link: str, cycle: str = "每月", abstract: str = "摘要") -> str:
    return (
        f"{name},{unit},3/07/018,{abstract},CSV,名称:C(50);数量:I,无条件共享,无条件开放,"
        f"{cycle},非涉密,L1,2030-12-31,{link}"
    )


def book(office: Office, count: int, prefix: str, **changes: str) -> list[str]:
    unit = f"测试局{office.mark}"
    return [
        HEADER,
        *(
            line(f"{prefix}{n}", unit, f"https://x.cn/{prefix}/{n}", **changes)
            for n in range(count)
        ),
    ]


def bring(
    office: Office, lines: list[str], person: str = "officer", **options: Any
) -> dict[str, Any]:
    file = upload("\n".join(lines).encode(), "inventory.csv")
    return dict(office.act(person, "govopen_inventory_import", upload=file, **options))


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    return tuple(report[name] for name in ("rows", "created", "changed", "unchanged", "rejected"))


def log_rows(office: Office) -> int:
    with office.application.test_request_context("/"):
        return int(
            model.Session.execute(sa.text("SELECT count(*) FROM govopen_register_log")).scalar_one()
        )


def entries(office: Office, q: str) -> list[dict[str, Any]]:
    return list(
        office.act("officer", "govopen_data_resource_list", unit=office.unit_id, q=q)["items"]
    )


def test_a_dry_run_accounts_for_every_row_and_writes_none(office: Office) -> None:
    before = log_rows(office)
    report = bring(office, book(office, 5, "试"), dry_run=True)
    assert counts(report) == (5, 5, 0, 0, 0)
    assert report["state"] == "checked"
    assert log_rows(office) == before


def test_the_same_file_again_changes_nothing_and_writes_nothing(office: Office) -> None:
    lines = book(office, 6, "同")
    assert counts(bring(office, lines)) == (6, 6, 0, 0, 0)
    before = log_rows(office)
    assert counts(bring(office, lines)) == (6, 0, 0, 6, 0)
    assert log_rows(office) == before


def test_one_changed_cell_is_exactly_the_difference(office: Office) -> None:
    lines = book(office, 4, "变")
    bring(office, lines)
    lines[2] = lines[2].replace("每月", "每年")
    report = bring(office, lines, dry_run=True)
    assert counts(report) == (4, 0, 1, 3, 0)
    rows = office.act(
        "officer", "govopen_inventory_import_row_list", id=report["id"], verdict="changed"
    )["items"]
    difference = rows[0]["difference"]
    assert difference["update_cycle"] == ["monthly", "yearly"]
    assert set(difference) <= {"update_cycle", "source_fields"}


def test_a_row_inserted_in_the_middle_is_one_created(office: Office) -> None:
    lines = book(office, 5, "插")
    bring(office, lines)
    lines.insert(3, line("插新", f"测试局{office.mark}", "https://x.cn/new"))
    assert counts(bring(office, lines)) == (6, 1, 0, 5, 0)


def test_one_bad_row_keeps_the_whole_file_out_unless_accepted_rows_only(office: Office) -> None:
    lines = book(office, 3, "坏")
    lines.append(line("", f"测试局{office.mark}", "https://x.cn/bad"))
    report = bring(office, lines)
    assert counts(report) == (4, 3, 0, 0, 1)
    assert report["state"] == "checked"
    assert entries(office, "坏") == []
    problem = next(each for each in report["problems"] if each["verdict"] == "rejected")
    assert (problem["code"], problem["row"]) == ("inventory.E11", 5)
    applied = office.act("officer", "govopen_inventory_import", id=report["id"], accepted_only=True)
    assert applied["state"] == "applied"
    assert len(entries(office, "坏")) == 3


def test_two_rows_with_one_link_name_each_other(office: Office) -> None:
    unit = f"测试局{office.mark}"
    lines = [
        HEADER,
        line("重1", unit, "https://x.cn/same"),
        line("重2", unit, "https://x.cn/other"),
    ]
    report = bring(
        office,
        [*lines, line("重3", unit, "https://x.cn/same")],
        mapping={"key": "链接"},
        dry_run=True,
    )
    problem = next(each for each in report["problems"] if each["verdict"] == "rejected")
    assert (problem["code"], problem["row"], problem["params"]["other"]) == ("inventory.E14", 4, 2)


def test_a_secret_line_is_refused_and_nothing_of_it_is_kept(office: Office) -> None:
    lines = book(office, 1, "密")
    lines[1] = lines[1].replace("非涉密", "机密")
    report = bring(office, lines, dry_run=True)
    assert {each["code"] for each in report["problems"]} == {"inventory.E16"}
    rows = office.act("officer", "govopen_inventory_import_row_list", id=report["id"])["items"]
    assert (rows[0]["verdict"], rows[0]["name"], rows[0]["source"]) == ("rejected", None, [])


def test_what_is_missing_makes_a_draft_that_names_it_and_opens_no_case(office: Office) -> None:
    lines = book(office, 2, "缺")
    lines[1] = lines[1].replace("每月", "")
    report = bring(office, lines)
    assert (report["drafts"], report["rejected"]) == (1, 0)
    assert entries(office, "缺0")[0]["missing"] == ["update_cycle"]
    assert entries(office, "缺1")[0]["missing"] == []
    assert report["case_id"] is not None


def test_an_officer_may_not_bring_rows_of_a_unit_that_is_not_hers(office: Office) -> None:
    with open_office(office.application) as other:
        lines = book(other, 2, "外")
        with pytest.raises(tk.NotAuthorized):
            bring(office, lines)
        assert entries(other, "外") == []


def test_whoever_keeps_no_unit_may_not_import(office: Office) -> None:
    with pytest.raises(tk.NotAuthorized):
        bring(office, book(office, 1, "无"), person="stranger")


def test_a_check_that_somebody_overtook_is_refused_and_names_them(office: Office) -> None:
    report = bring(office, book(office, 2, "先"), dry_run=True)
    bring(office, book(office, 2, "后"))
    with pytest.raises(tk.ValidationError) as caught:
        office.act("officer", "govopen_inventory_import", id=report["id"])
    assert getattr(caught.value, "govopen", {})["code"] == "registers.E16"
    assert "officer" in str(caught.value.error_dict)
    assert entries(office, "先") == []


def test_the_case_of_an_import_makes_its_rows_public_with_its_date(office: Office) -> None:
    report = bring(
        office, book(office, 3, "公"), submit=True, basis="云数发〔2026〕1号", reason="首批"
    )
    office.approve(report["case_id"])
    shown = entries(office, "公0")[0]
    assert shown["status"] == "active"
    assert shown["published_on"] is not None
    with office.application.test_request_context("/"):
        register = next(
            each
            for each in tk.get_action("govopen_register_list")({}, {"unit": office.unit_id})[
                "items"
            ]
        )
        items = tk.get_action("govopen_register_entry_list")({}, {"id": register["id"], "q": "公"})[
            "items"
        ]
        assert [item["basis"] for item in items] == ["云数发〔2026〕1号"] * 3
        assert tk.get_action("govopen_register_verify")({}, {"id": register["id"]})["holds"] is True


def test_a_visitor_sees_approved_content_while_a_revision_waits(office: Office) -> None:
    report = bring(office, book(office, 1, "待"), submit=True)
    office.approve(report["case_id"])
    entry = entries(office, "待0")[0]
    office.act("officer", "govopen_data_resource_update", id=entry["entry_code"], name="待改名未审")
    with office.application.test_request_context("/"):
        seen = tk.get_action("govopen_data_resource_show")({}, {"id": entry["entry_code"]})
        assert seen["name"] == "待0"
        found = tk.get_action("govopen_data_resource_list")({}, {"q": "待改名未审"})
        assert found["items"] == []
        assert (
            tk.get_action("govopen_data_resource_list")({}, {"q": "待0", "unit": office.unit_id})[
                "items"
            ][0]["entry_code"]
            == entry["entry_code"]
        )


def test_a_hidden_line_is_an_opaque_reference_for_visitors(office: Office) -> None:
    report = bring(office, book(office, 1, "隐"), submit=False)
    entry = entries(office, "隐0")[0]
    office.act("officer", "govopen_inventory_undo", id=report["id"])
    report = bring(office, book(office, 1, "隐"))
    entry = entries(office, "隐0")[0]
    office.act(
        "officer",
        "govopen_data_resource_update",
        id=entry["entry_code"],
        catalog_visible="false",
        hidden_ground="g15_privacy",
    )
    given = {"unit": office.unit_id, "entries": [entry["entry_code"]]}
    for name in ("basis", "reason"):  # what is published with the entry for good
        with pytest.raises(tk.ValidationError, match=name):
            office.act("officer", "govopen_inventory_submit", **given, **{name: {"a": 1}})
    case = office.act("officer", "govopen_inventory_submit", **given)
    office.approve(case["id"])
    with office.application.test_request_context("/"):
        seen = tk.get_action("govopen_data_resource_show")({}, {"id": entry["entry_code"]})
        assert (seen["name"], seen["res_code"]) == (None, None)
        assert seen["fields"] == {
            "catalog_visible": False,
            "hidden_ground": "g15_privacy",
            "open_type": "unconditional",
        }
        everything = str(
            tk.get_action("govopen_data_resource_list")({}, {"unit": office.unit_id, "limit": 1000})
        )
        assert "隐0" not in everything
        assert tk.get_action("govopen_data_resource_list")({}, {"q": "隐0"})["items"] == []


def test_undoing_an_import_takes_its_drafts_back_and_the_file_can_come_again(
    office: Office,
) -> None:
    lines = book(office, 3, "撤")
    report = bring(office, lines)
    undone = office.act("officer", "govopen_inventory_undo", id=report["id"], reason="测试")
    assert undone["state"] == "undone"
    assert entries(office, "撤") == []
    assert counts(bring(office, lines)) == (3, 3, 0, 0, 0)


def test_undoing_an_approved_change_needs_a_review_and_restores_the_old_content(
    office: Office,
) -> None:
    lines = book(office, 2, "复")
    office.approve(bring(office, lines, submit=True)["case_id"])
    changed = [each.replace("每月", "每年") for each in lines]
    report = bring(office, changed, submit=True)
    office.approve(report["case_id"])
    undone = office.act("officer", "govopen_inventory_undo", id=report["id"])
    office.act("officer", "govopen_review_submit", case=undone["case_id"])
    office.approve(undone["case_id"])
    assert entries(office, "复0")[0]["active_fields"]["update_cycle"] == "monthly"


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ("CC BY 4.0", "cc-by-4.0"),
        ("政府資料開放授權條款－第1版", "cc-by-4.0"),
        ("CC0", "cc0-1.0"),
        ("某地自拟的协议", "notspecified"),
        ("", "yz-odl-1.0"),
    ],
)
def test_the_licence_that_a_file_states_reaches_the_draft_dataset(
    office: Office, stated: str, licence: str
) -> None:
    name = f"有授权的目录{uuid4().hex[:8]}"
    row = line(name, f"测试局{office.mark}", f"https://x.cn/{name}")
    done = bring(office, [f"{HEADER},授权方式", f"{row},{stated}"], submit=True)
    office.approve(done["case_id"])
    entry = entries(office, name)[0]["entry_code"]
    made = office.act("officer", "govopen_inventory_datasets", entries=[entry])["items"][0]
    assert office.act("officer", "package_show", id=made["id"])["license_id"] == licence


@pytest.mark.skipif(
    not REAL.exists(), reason="the real inventory does not lie beside this checkout"
)
def test_the_real_inventory_is_read_whole_and_becomes_active_by_one_case(office: Office) -> None:
    content = REAL.read_bytes()

    def once(**options: Any) -> dict[str, Any]:
        file = upload(content, REAL.name)
        return dict(office.act("approver", "govopen_inventory_import", upload=file, **options))

    first = once(create_units=True)
    assert counts(first) == (1429, 1429, 0, 0, 0)
    assert (first["drafts"], first["sheet"]) == (1429, "桃園市政府開放資料供應清單")
    assert len(first["mapping"]) == 29
    before = log_rows(office)
    assert counts(once()) == (1429, 0, 0, 1429, 0)
    assert log_rows(office) == before
    third = once(mapping={"constants": CONSTANTS, "truncate": ["abstract"]}, submit=True)
    assert counts(third) == (1429, 0, 1429, 0, 0)
    assert third["drafts"] == 0
    assert office.approve(third["case_id"], "second")["state"] == "published"
    with office.application.test_request_context("/"):
        active = model.Session.execute(
            sa.text(
                "SELECT array_agg(entry_code ORDER BY entry_code), array_agg(DISTINCT unit_id)"
                " FROM govopen_data_resource WHERE import_id = :id AND status = 'active'"
            ),
            {"id": third["id"]},
        ).one()
    codes, units = list(active[0]), list(active[1])
    assert (len(codes), len(units)) == (1429, 34)
    assert city_figure(office, units) == (0, 1429)

    with office.application.test_request_context("/"):
        for unit in units:
            accounts.join_unit(office.name("officer"), unit)
    chosen = codes[::48][:30]
    files = {code: [{"name": "数据", "upload": upload(CSV, "data.csv")}] for code in chosen}
    made = office.act("officer", "govopen_inventory_datasets", entries=chosen, files=files)["items"]
    case = office.act("officer", "govopen_review_submit", datasets=[each["id"] for each in made])
    assert city_figure(office, units) == (0, 1429)
    office.approve(case["id"], "second")
    assert city_figure(office, units) == (30, 1429)


def city_figure(office: Office, units: list[str]) -> tuple[int, int]:
    """Numerator and denominator of the data open rate over these units: ratio of sums."""
    shown = [
        office.act("officer", "govopen_rate_show", rate="data_open_rate", unit=unit)
        for unit in units
    ]
    return sum(each["numerator"] for each in shown), sum(each["denominator"] for each in shown)


def test_persons_whom_a_file_names_are_kept_for_the_unit_alone(office: Office) -> None:
    lines = book(office, 1, "联")
    lines = [f"{lines[0]},联系人,联系电话", f"{lines[1]},王小明,13800000000"]
    office.approve(bring(office, lines, submit=True)["case_id"])
    entry = entries(office, "联0")[0]
    assert entry["fields"]["contact_fields"] == [["联系人", "王小明"], ["联系电话", "13800000000"]]
    with office.application.test_request_context("/"):
        shown = tk.get_action("govopen_data_resource_show")({}, {"id": entry["entry_code"]})
        history = tk.get_action("govopen_register_entry_show")(
            {}, {"entry_code": entry["entry_code"]}
        )
    assert "王小明" not in str(shown) + str(history)
    assert "13800000000" not in str(shown) + str(history)


ITEMS = [
    {"name_zh": "姓名", "data_type": "C", "length": 20, "sensitive": "personal",
     "open_type": "withheld", "mask_rule": "truncate", "description": "法定代表人；只写姓名"},
    {"name_zh": "泊位数", "name_en": "spaces", "data_type": "I", "unit": "个", "nullable": False},
]  # fmt: skip


def test_what_a_request_gives_as_lists_is_kept_as_lists_and_comes_back_unchanged(
    office: Office,
) -> None:
    given = {
        "items": ITEMS,
        "formats": ["csv", "XLSX"],
        "related_codes": ["307018/1", "307018/2"],
        "catalog_visible": True,
        "rows": 1286,
    }
    name = f"接口条目{uuid4().hex[:6]}"
    made = office.act(
        "officer", "govopen_data_resource_create", unit=office.unit_id, name=name, **given
    )
    assert made["fields"] == {
        **given,
        "name": name,
        "formats": ["csv", "xlsx"],
        "format_category": "spreadsheet",
    }
    again = office.act(
        "officer", "govopen_data_resource_update", id=made["entry_code"], **made["fields"]
    )
    assert again["fields"] == made["fields"]
    assert "items" not in again["missing"]


def test_an_imported_entry_can_be_sent_back_as_it_was_shown(office: Office) -> None:
    lines = book(office, 1, "往返")
    lines[1] = lines[1].replace("数量:I", '数量:I{敏感=个人信息，说明="甲;乙"}')
    bring(office, lines)
    shown = entries(office, "往返0")[0]
    assert shown["fields"]["items"][1] == {
        "name_zh": "数量", "data_type": "I", "sensitive": "personal", "description": "甲;乙",
    }  # fmt: skip
    assert shown["fields"]["source_fields"]
    again = office.act(
        "officer", "govopen_data_resource_update", id=shown["entry_code"], **shown["fields"]
    )
    assert (again["fields"], again["missing"]) == (shown["fields"], [])


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("items", [{"name_zh": "名称", "colour": "red"}], "inventory.E12"),
        ("items", ["名称"], "inventory.E12"),
        ("items", {"name_zh": "名称"}, "inventory.E21"),
        ("formats", ["docm"], "inventory.E12"),
        ("formats", [{"csv": 1}], "inventory.E21"),
        ("related_codes", [1], "inventory.E21"),
        ("rows", [1], "inventory.E21"),
        ("rows", 10**30, "inventory.E12"),
        ("catalog_visible", 1, "inventory.E21"),
        ("abstract", ["摘要"], "inventory.E21"),
        ("abstract", "a\x00b", "inventory.E21"),
    ],
)
def test_a_value_of_another_kind_is_refused_under_its_field(
    office: Office, field: str, value: Any, code: str
) -> None:
    with pytest.raises(tk.ValidationError) as caught:
        office.act(
            "officer", "govopen_data_resource_create",
            unit=office.unit_id, name="不会保存", **{field: value},
        )  # fmt: skip
    assert getattr(caught.value, "govopen", {})["code"] == code
    assert list(caught.value.error_dict) == [field]


def test_a_planned_day_is_asked_for_until_a_dataset_of_the_entry_is_public(office: Office) -> None:
    code = office.add_entries(1)[0]
    name = f"停车场{code}"
    row = line(name, f"测试局{office.mark}", "").replace("2030-12-31", "")

    def lacking() -> tuple[bool, set[str]]:
        """Whether the entry, and a row of a file that is it, lack the day."""
        shown = office.act("officer", "govopen_data_resource_update", id=code, system=uuid4().hex)
        report = bring(office, [HEADER, row], dry_run=True)
        assert (report["changed"], report["rejected"]) == (1, 0)
        return "planned_open_on" in shown["missing"], {
            str(each["field"]) for each in report["problems"] if each["code"] == "inventory.W11"
        }

    assert lacking() == (True, {"planned_open_on"})
    file = [{"name": "数据", "upload": upload(CSV, "data.csv")}]
    made = office.act("officer", "govopen_inventory_datasets", entries=[code], files={code: file})[
        "items"
    ][0]
    office.approve(office.submit(made["id"]))
    assert lacking() == (False, set())


def test_what_a_row_leaves_open_is_told_by_its_number(office: Office) -> None:
    own = line("无链接", f"测试局{office.mark}", "")
    report = bring(
        office,
        [
            f"{HEADER},数据领域",
            f"{own},银河航行",
            line("外单位", "不存在的局", "https://x.cn/e15") + ",",
        ],
        dry_run=True,
    )
    found = {(each["code"], each.get("field")) for each in report["problems"]}
    assert found == {
        ("inventory.E15", "provider"),
        ("inventory.W12", None),
        ("inventory.W13", "data_domain"),
    }
    assert report["rejected"] == 1


def test_an_inventory_of_drafts_alone_has_nothing_to_hand_in(application: Flask) -> None:
    with open_office(application) as other:
        made = other.act(
            "officer", "govopen_data_resource_create", unit=other.unit_id, name="草稿条目"
        )
        with pytest.raises(tk.ValidationError) as caught:
            other.act(
                "officer", "govopen_inventory_submit",
                unit=other.unit_id, entries=[made["entry_code"]],
            )  # fmt: skip
        assert getattr(caught.value, "govopen", {})["code"] == "inventory.E20"
        for said in (-1, [{"a": 1}]):
            with pytest.raises(tk.ValidationError, match="entries"):
                other.act("officer", "govopen_inventory_submit", unit=other.unit_id, entries=said)


def test_a_draft_dataset_has_the_items_that_open_and_the_end_of_its_data(office: Office) -> None:
    masked = {"name_zh": "电话", "data_type": "C", "length": 11, "open_type": "withheld",
              "mask_rule": "truncate", "key": False}  # fmt: skip
    closed = {"name_zh": "证件号码", "data_type": "C", "length": 18, "open_type": "withheld"}
    code = office.add_entries(
        1, items=[*ITEMS, masked, closed], update_cycle="static", coverage_end="2019-12-31"
    )[0]
    made = office.act("officer", "govopen_inventory_datasets", entries=[code])["items"][0]
    shown = office.act("officer", "package_show", id=made["id"])
    assert [item["name_zh"] for item in shown["items"]] == ["姓名", "泊位数", "电话"]
    assert shown["items"][0]["sensitive"] == "personal"
    assert (shown["items"][2]["key"], shown["items"][2]["mask_rule"]) == ("no", "truncate")
    assert shown["temporal_end"] == "2019-12-31"


def test_everybody_gets_the_empty_workbook_whose_headings_an_import_knows(office: Office) -> None:
    with office.application.test_request_context("/"):
        made = tk.get_action("govopen_inventory_template")({}, {})
    sheet = load_workbook(BytesIO(b64decode(made["content"]))).worksheets[0]
    headings = [cell.value for cell in sheet[1]]
    assert headings == [column["heading"] for column in made["columns"]]
    assert [field_of(str(heading)) for heading in headings] == [
        column["field"] for column in made["columns"]
    ]
    needed = {column["field"] for column in made["columns"] if column["required"]}
    assert {"name", "provider", "sensitivity"} <= needed
