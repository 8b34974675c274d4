"""A list comes as a file: compared with what is in force, every problem by its cell, then a draft."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from lists_kit import BASIS, adjust, change, hand_in, listed, power
from publishing_kit import Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import register_files
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.register_types import register_type

HEADER = "条目编码,权力名称,权力类型,行使主体,设定依据,备注"
KIND = "power_list"
BIG = 50_000


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        adjust(
            one,
            *(change("add", code(one, n), power(one, f"许可{n}", remarks="旧")) for n in range(4)),
        )
        yield one


def code(office: Office, number: int) -> str:
    return f"{office.mark}-{number:06}"


def line(office: Office, number: int, name: str | None = None, kind: str = "行政许可") -> str:
    unit = f"测试局{office.mark}"
    said = name if name is not None else f"许可{number}"
    return f"{code(office, number)},{said},{kind},{unit},《城市道路管理条例》第三十一条,旧"


def bring(office: Office, lines: list[str], **options: Any) -> dict[str, Any]:
    return bring_file(office, "\n".join([HEADER, *lines]).encode(), "powers.csv", **options)


def bring_file(office: Office, data: bytes, name: str, **options: Any) -> dict[str, Any]:
    said = {"register_type": KIND, "unit": office.unit_id, **options}
    return dict(office.act("officer", "govopen_register_import", upload=upload(data, name), **said))


def counts(report: dict[str, Any]) -> tuple[int, ...]:
    names = ("rows", "created", "changed", "unchanged", "rejected", "missing")
    return tuple(report[name] for name in names)


def register_of(office: Office) -> str:
    with office.application.test_request_context("/"):
        found = tk.get_action("govopen_register_list")(
            {}, {"unit": office.unit_id, "register_type": KIND}
        )
    return str(found["items"][0]["id"])


def written(office: Office) -> tuple[int, int]:
    with office.application.test_request_context("/"):
        sql = "SELECT (SELECT count(*) FROM govopen_register_log), count(*) FROM govopen_register_draft"
        log, drafts = model.Session.execute(sa.text(sql)).one()
    return int(log), int(drafts)


def test_a_dry_run_accounts_for_every_row_and_writes_nothing(office: Office) -> None:
    before = written(office)
    lines = [line(office, 0), line(office, 1, "许可一"), line(office, 9), line(office, 2, kind="x")]
    report = bring(office, lines, dry_run=True)
    assert counts(report) == (4, 1, 1, 1, 1, 1)
    assert (report["state"], report["draft_id"]) == ("checked", None)
    assert written(office) == before
    problem = next(one for one in report["problems"] if one["verdict"] == "rejected")
    assert (problem["code"], problem["cell"], problem["value"]) == ("vocab.E1", "C5", "x")
    assert "C5" in problem["message"]


def test_each_row_is_shown_with_what_it_would_change(office: Office) -> None:
    report = bring(office, [line(office, 0, "新名称"), line(office, 1)], dry_run=True)
    rows = office.act("officer", "govopen_register_import_row_list", id=report["id"])["items"]
    assert [row["verdict"] for row in rows] == ["changed", "unchanged"]
    assert rows[0]["difference"] == {"name": ["许可0", "新名称"]}
    assert rows[0]["source"][1] == ["权力名称", "新名称"]


def test_an_import_becomes_a_draft_and_the_list_changes_when_that_is_published(
    office: Office,
) -> None:
    log_before, _ = written(office)
    lines = [line(office, 0), line(office, 1, "许可一"), line(office, 9, "新许可")]
    report = bring(office, lines, **BASIS, effective_on=office.days_ahead(-5))
    assert (report["state"], counts(report)) == ("applied", (3, 1, 1, 1, 0, 2))
    assert written(office)[0] == log_before
    draft = office.act("officer", "govopen_register_draft_show", id=report["draft_id"])
    assert [one["kind"] for one in draft["items"]] == ["change", "add"]
    assert draft["basis"] == BASIS["basis"]
    office.approve(hand_in(office, draft)["case_id"])
    names = {one["fields"]["name"] for one in listed(office, register_of(office)).values()}
    assert names == {"许可0", "许可一", "许可2", "许可3", "新许可"}


def test_a_row_that_says_so_cancels_and_one_that_is_missing_does_not(office: Office) -> None:
    head = "条目编码,权力名称,调整方式,后续监管措施"
    data = f"{head}\n{code(office, 3)},许可3,取消,转为事中事后监管\n".encode()
    report = bring_file(office, data, "cancel.csv", **BASIS, effective_on=office.days_ahead(-4))
    assert (report["cancelled"], report["rejected"]) == (1, 0)
    draft = office.act("officer", "govopen_register_draft_show", id=report["draft_id"])
    (only,) = draft["items"]
    assert (only["kind"], only["extra"]) == ("cancel", {"follow_up": "转为事中事后监管"})
    office.act("officer", "govopen_register_draft_drop", id=draft["id"])


def test_rejected_rows_keep_the_whole_file_out_unless_accepted_rows_only(office: Office) -> None:
    lines = [line(office, 0, "改名"), line(office, 0, "又改名"), f",{'名' * 301},行政许可,,,"]
    report = bring(office, lines)
    assert (report["state"], report["draft_id"], report["rejected"]) == ("checked", None, 2)
    found = {
        (one["code"], one["row"]) for one in report["problems"] if one["verdict"] == "rejected"
    }
    assert {("registers.E43", 3), ("registers.E33", 4)} <= found
    applied = office.act("officer", "govopen_register_import", id=report["id"], accepted_only=True)
    assert applied["state"] == "applied"
    office.act("officer", "govopen_register_draft_drop", id=applied["draft_id"])


def test_what_is_exported_imports_as_unchanged_from_every_kind_of_file(office: Office) -> None:
    entries = list(listed(office, register_of(office)).values())
    kind = register_type(KIND)
    for ending in (".csv", ".xlsx", ".json"):
        for lang in ("zh", "en"):
            data = register_files.whole(kind, Path(f"x{ending}"), entries, lang)
            report = bring_file(office, data, f"powers{ending}", dry_run=True)
            assert counts(report) == (len(entries), 0, 0, len(entries), 0, 0), (ending, lang)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_what_everybody_takes_from_the_page_imports_as_unchanged(office: Office, kind: str) -> None:
    register_id = register_of(office)
    taken = office.application.test_client().get(f"/registers/{register_id}.{kind}").get_data()
    entries = len(listed(office, register_id))
    report = bring_file(office, taken, f"taken.{kind}", dry_run=True)
    assert counts(report) == (entries, 0, 0, entries, 0, 0)


def test_a_list_that_moved_since_the_check_is_not_overwritten(office: Office) -> None:
    report = bring(office, [line(office, 2, "改名二")], dry_run=True)
    adjust(office, change("add", code(office, 50), power(office, "插队")), effective_on=-3)
    with pytest.raises(tk.ValidationError) as refused:
        office.act("officer", "govopen_register_import", id=report["id"])
    assert part_of(refused.value)["code"] == "registers.E16"
    again = office.act(
        "officer", "govopen_register_import", id=report["id"], encoding="utf-8", dry_run=True
    )
    assert again["changed"] == 1


def test_an_import_of_a_list_is_nothing_for_those_who_do_not_keep_it(office: Office) -> None:
    report = bring(office, [line(office, 0)], dry_run=True)
    office.hire("stranger", ())
    for action in ("govopen_register_import_show", "govopen_register_import_row_list"):
        with pytest.raises(tk.ObjectNotFound):
            office.act("stranger", action, id=report["id"])
    with pytest.raises(tk.ObjectNotFound):
        office.act("officer", "govopen_inventory_import_show", id=report["id"])
    mine = office.act("officer", "govopen_register_import_list")["items"]
    assert report["id"] in {one["id"] for one in mine}
    assert report["id"] not in {
        one["id"] for one in office.act("officer", "govopen_inventory_import_list")["items"]
    }


@pytest.mark.parametrize("kind", ["open_data_list", "data_inventory", "nothing"])
def test_a_list_that_is_not_typed_has_no_import(office: Office, kind: str) -> None:
    with pytest.raises(tk.ValidationError):
        bring(office, [line(office, 0)], register_type=kind)


def test_fifty_thousand_rows_with_three_wrong_offers_the_rest_and_names_the_three(
    office: Office,
) -> None:
    lines = [line(office, 100 + n) for n in range(BIG)]
    lines[7] = line(office, 107, kind="许可证")
    lines[30_000] = line(office, 30_100, "")
    lines[BIG - 1] = line(office, 107 + 1)
    began = time.monotonic()
    report = bring(office, lines, dry_run=True)
    spent = time.monotonic() - began
    assert (report["rows"], report["created"], report["rejected"]) == (BIG, BIG - 3, 3)
    wrong = {
        (one["code"], one["cell"], one.get("value"))
        for one in report["problems"]
        if one["verdict"] == "rejected"
    }
    assert wrong == {
        ("vocab.E1", "C9", "许可证"),
        ("registers.E30", "B30002", None),
        ("registers.E43", f"A{BIG + 1}", code(office, 108)),
    }
    assert spent < 120, f"{spent:.0f} s"


def test_a_json_file_says_nothing_of_what_it_leaves_out(office: Office) -> None:
    body = [{"entry_code": code(office, 0), "name": "许可0", "level": ["city", "county"]}]
    data = io.BytesIO(json.dumps(body).encode()).getvalue()
    report = bring_file(office, data, "powers.json", dry_run=True)
    rows = office.act("officer", "govopen_register_import_row_list", id=report["id"])["items"]
    assert rows[0]["changed_fields"] == ["level"]


TREES = """
code: street_tree_list
order: 90
zh: 行道树清单
en: Street trees
authority_role: register_authority
fields:
  - {name: species, zh: 树种, en: Species, required: active, identity: true}
  - {name: planted_on, zh: 栽植日期, en: Planted on, kind: date}
"""


def test_a_type_that_is_only_a_file_is_imported_reviewed_and_public(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "street_tree_list.yaml").write_text(TREES, encoding="utf-8")
    with office.application.app_context():
        monkeypatch.setitem(tk.config, "ckanext.govopen.register_types_path", str(tmp_path))
    data = "条目编码,事项名称,树种,栽植日期\nT-1,银杏大道,银杏,2024年3月12日\n".encode()
    facts = {**BASIS, "effective_on": office.days_ahead(-2)}
    report = bring_file(office, data, "trees.csv", register_type="street_tree_list", **facts)
    draft = office.act("officer", "govopen_register_draft_show", id=report["draft_id"])
    office.approve(hand_in(office, draft)["case_id"])
    (entry,) = listed(office, draft["register_id"]).values()
    assert entry["fields"] == {"name": "银杏大道", "species": "银杏", "planted_on": "2024-03-12"}
