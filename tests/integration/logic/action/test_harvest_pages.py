"""The story of a source in the browser's words: added, tried, approved by another, watched, mended."""

from __future__ import annotations

import io
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, alone, field_of

import ckan.model as model

from ckanext.govopen.domain.harvest import Evidence, Staged
from ckanext.govopen.logic import harvest_runs

PASSWORD = "correct-horse-battery-7"
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def one(application: Flask, data_folder: Path) -> Iterator[Field]:
    application.config["WTF_CSRF_ENABLED"] = False  # its forms are sent without a token
    try:
        with field_of(application, data_folder) as made:
            yield made
    finally:
        application.config["WTF_CSRF_ENABLED"] = True


@contextmanager
def signed_in(one: Field, person: str) -> Iterator[FlaskClient]:
    with one.application.test_request_context("/"):
        one.office.user(person).password = PASSWORD
        model.repo.commit()
    with one.application.test_client() as client:
        form = {"login": one.office.name(person), "password": PASSWORD}
        assert client.post("/user/login", data=form).status_code == 302
        yield client


def read(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return str(answer.get_data(as_text=True))


def settled(client: FlaskClient, page: str) -> str:
    """The page of a run once the stack's worker has done with it for now."""
    waited = 0.0
    while True:
        answer = client.get(page)
        if "Refresh" not in answer.headers:
            return str(answer.get_data(as_text=True))
        time.sleep(0.25)
        waited += 0.25
        assert waited < PATIENCE_SECONDS


def test_a_source_is_added_tried_approved_by_another_and_mended(one: Field) -> None:
    rows = one.rows(4)
    rows[1] = (rows[1][0], "", *rows[1][2:])
    one.put("a.csv", rows)
    name = f"page-{one.mark}"
    form = {
        "kind": "table", "outcome": "inventory", "name": name, "title": f"页面来源{one.mark}",
        "unit": one.office.unit_id, "schedule": "daily", "o-path": f"{one.folder.name}/a.csv",
        "o-key": "编号", "o-constants": "secrecy: non_secret",
    }  # fmt: skip
    with signed_in(one, "adder") as client:
        assert "添加来源" in read(client, "/workbench/harvest")
        assert "收件文件夹" in read(client, "/workbench/harvest/new")
        answer = client.post("/workbench/harvest/new", data=form)
        page = f"/workbench/harvest/sources/{name}"
        assert (answer.status_code, answer.headers["Location"].endswith(page)) == (302, True)
        run = client.post(f"{page}/run", data={"dry_run": "1"}).headers["Location"]
        shown = settled(client, run)
        assert "所见 4 = 未变 0 + 新增 3 + 更新 0 + 拒收 1 + 冲突 0" in shown
        assert re.search(r"新增</td><td>[^<]+<br>数据0</td>", shown)
        run = client.post(f"{page}/run").headers["Location"]
        shown = settled(client, run)
        assert "首次归集" in shown
        assert "批准本次归集" not in shown
        assert client.post(f"{run}/approve").status_code == 409
    with signed_in(one, "authority") as client:
        assert "等待批准的归集" in read(client, "/workbench")
        shown = settled(client, run)
        assert "批准本次归集" in shown
        assert "列出 3 条，共 3 条" in shown
        assert client.post(f"{run}/approve").status_code == 302
        assert "账目相符" in settled(client, run)
    with signed_in(one, "officer") as client:
        assert f"页面来源{one.mark}" in read(client, "/workbench/harvest")
        shown = read(client, page)
        assert "inventory.E11" in shown
        assert "全部重试" in shown
        one.put("a.csv", one.rows(4))
        again = client.post(f"{page}/run").headers["Location"]
        assert "账目相符" in settled(client, again)
        assert "没有：每条记录都已载入。" in read(client, page)
        one.sql("UPDATE govopen_data_resource SET status = 'active', active_seq = working_seq,"
                " active_fields = fields WHERE source_key = :key", key=rows[0][0])  # fmt: skip
        one.sql("UPDATE govopen_harvest_source SET grace_days = 0 WHERE name = :name", name=name)
        one.put("a.csv", one.rows(4)[1:])
        settled(client, client.post(f"{page}/run").headers["Location"])
        assert "建议撤回" in read(client, "/workbench")
        assert "提交注销" in read(client, page)
        assert "提交注销" in read(client, "/workbench/harvest")
        wanted = {"guid": rows[0][0], "decision": "keep", "reason": ""}
        answer = client.post(f"{page}/withdrawal", data=wanted)
        assert (answer.status_code, "请写明撤回或保留的理由" in answer.get_data(as_text=True)) == (
            409,
            True,
        )
        answer = client.post(f"{page}/withdrawal", data={**wanted, "reason": "仍然有效"})
        assert answer.status_code == 302
        assert "建议撤回" not in read(client, page)
        assert client.get("/workbench/harvest/new").status_code == 404
        assert client.post(f"{page}/state", data={"state": "paused"}).status_code in (403, 409)
    with signed_in(one, "stranger") as client:
        for path in ("/workbench/harvest", page, run):
            assert client.get(path).status_code in (403, 404)


def test_what_is_not_sure_is_confirmed_on_the_page_of_a_run(one: Field) -> None:
    """Nothing of it is used before, and everything after."""
    header = ("编号", "本市信息资源名称", "供数单位", "更新周期", "摘要")
    unit = f"测试{one.mark}局"
    rows = [(key, name, unit, "7", said) for key, name, _, _, said in one.rows(3)]
    one.put("b.csv", rows, header)
    settings = {"path": f"{one.folder.name}/b.csv", "key": "编号", "create_units": True}
    source = one.add(settings=settings)
    page = f"/workbench/harvest/sources/{source['name']}"
    with signed_in(one, "adder") as client:
        run = client.post(f"{page}/run", data={"dry_run": "1"}).headers["Location"]
        shown = settled(client, run)
        assert "拒收 3" in shown
        assert "待确认，未采用 70 %" in shown
        assert "信息资源提供方 60 %" in shown
        assert 'name="v-update_cycle-7"' in shown
        names = re.findall(r'name="n-(\d+)" value="([^"]*)"', shown)
        chosen = {"本市信息资源名称": "name", "供数单位": "provider", "更新周期": "update_cycle"}
        form = {f"n-{number}": name for number, name in names}
        form |= {f"f-{number}": chosen.get(name, "") for number, name in names}
        form["v-update_cycle-7"] = "yearly"
        assert client.post(f"{run}/mapping", data=form).headers["Location"].endswith(page)
        shown = read(client, page)
        assert "列名对应" in shown
        assert "7 → yearly" in shown
        assert "超过全部的 10\u00a0%" in shown
        assert "<dt>key</dt>" not in shown
        waits = client.post(f"{page}/run").headers["Location"]
        assert "新增 3" in settled(client, waits)
    settings = one.act("adder", "govopen_harvest_source_show", id=source["id"])["settings"]
    # what was used already stays unsaid; what was taken back is said
    assert settings["columns"] == {"本市信息资源名称": "name", "供数单位": "provider", "摘要": None}
    other = {**settings, "constants": {"secrecy": "non_secret"}}
    one.act("adder", "govopen_harvest_source_update", id=source["id"], settings=other)
    assert one.show(waits.rpartition("/")[2])["state"] == "cancelled"  # what was checked is no more
    with signed_in(one, "officer") as client:
        assert 'name="n-0"' not in client.get(run).get_data(as_text=True)
        assert client.post(f"{run}/mapping", data=form).status_code in (403, 404, 409)


def test_the_page_of_a_run_at_work_says_how_fast_it_is_and_what_is_left(one: Field) -> None:
    source = one.approved()
    job_id = one.start(source)
    long_ago = (
        "UPDATE govopen_harvest_job SET stage_at = stage_at - interval '100 s' WHERE id = :id"
    )
    records = [Staged(n, f"r{n}", f"h{n}", b"{}", {}) for n in range(1, 201)]
    with alone():
        ledger = harvest_runs.claim(model.Session, job_id)
        assert ledger is not None
        ledger.begin_gather()
        ledger.gathered(records, Evidence(pages=1, records=200, declared=800))
    one.sql(long_ago, id=job_id)
    found = one.show(job_id)["progress"]  # 200 in 100 seconds or a few more, 600 to come
    assert 1 < found["rate"] <= 2
    assert 300 <= found["seconds_left"] < 600
    with signed_in(one, "adder") as client:
        assert re.search(r"每秒 [12](\.\d)? 条；照此速度，本阶段还需约 \d 分钟",
                         read(client, f"/workbench/harvest/jobs/{job_id}"))  # fmt: skip
    with alone():  # what is as before is done with before the stage begins, and is not its pace
        ledger.compare()
        model.Session.execute(sa.text("UPDATE govopen_harvest_stage SET is_done = true"
                                      " WHERE job_id = :id AND number <= 50"), {"id": job_id})  # fmt: skip
        model.Session.commit()
    one.sql(long_ago, id=job_id)
    found = one.show(job_id)["progress"]
    assert (found["done"], 0.2 < found["rate"] <= 0.5) == (50, True)
    assert 300 <= found["seconds_left"] < 750
    one.sql("UPDATE govopen_harvest_job SET state = 'cancelled' WHERE id = :id", id=job_id)


def test_the_same_pages_in_english(one: Field) -> None:
    with signed_in(one, "authority") as client:
        shown = read(client, "/en/workbench/harvest")
        assert "Add a source" in shown
        assert "Dead letters" in shown


def test_a_source_is_changed_on_its_page_and_its_secrets_stay_unseen(one: Field) -> None:
    name = f"edit-{one.mark}"
    given = {"url": "https://x.example", "fields": {"bt": "title"}, "files": True}
    one.add(name=name, kind="ckan", unit=one.office.unit_id, settings=given,
            secrets={"api_key": "geheim"})  # fmt: skip
    page = f"/workbench/harvest/sources/{name}"
    with signed_in(one, "officer") as client:
        assert client.get(f"{page}/edit").status_code == 404
        assert client.post(f"{page}/edit", data={"title": "x"}).status_code == 404
    with signed_in(one, "adder") as client:
        shown = read(client, f"{page}/edit")
        assert "https://x.example" in shown
        assert "bt: title" in shown
        assert "geheim" not in shown
        form = {"title": "改过的标题", "schedule": "weekly", "grace_days": "30",
                "o-url": "ftp://x.example"}  # fmt: skip
        answer = client.post(f"{page}/edit", data=form)
        shown = answer.get_data(as_text=True)
        assert (answer.status_code, "改过的标题" in shown) == (409, True)
        assert 'href="#f-o-url"' in shown, "the field that is wrong is not the one that is named"
        form["o-url"] = "https://y.example"
        assert client.post(f"{page}/edit", data=form).status_code == 302
    source = one.act("adder", "govopen_harvest_source_show", id=name)
    assert (source["title"], source["schedule"], source["grace_days"]) == (
        "改过的标题",
        "weekly",
        30,
    )
    assert source["settings"] == {"url": "https://y.example"}
    assert set(source["secrets"]) == {"api_key"}, "a secret that is not typed anew stays"


def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(one: Field) -> None:
    form = {"kind": "ckan", "outcome": "dataset", "name": "Not A Name", "title": "题目在此",
            "unit": one.office.unit_id, "o-url": "https://x.example", "o-api_key": "geheim"}  # fmt: skip
    with signed_in(one, "adder") as client:
        answer = client.post("/workbench/harvest/new", data=form)
        shown = answer.get_data(as_text=True)
        assert answer.status_code == 409
        assert "题目在此" in shown
        assert "geheim" not in shown


def test_the_columns_of_a_file_are_proposed_fields_that_wait_for_a_person(one: Field) -> None:
    rows = (f"数据{n},摘要,每月,市水务局,{n}" for n in range(3))
    lines = ["信息资源名称,摘要,gxpl,供数单位,ID", *rows]
    file = FileStorage(io.BytesIO("\n".join(lines).encode()), "a.csv")
    report = one.office.act("officer", "govopen_inventory_import", upload=file, dry_run=True,
                            unit=one.office.unit_id)  # fmt: skip
    found = {column["header"]: column for column in report["mapping"]}
    proposed = {
        name: [one["field"] for one in column["proposed"]] for name, column in found.items()
    }
    assert proposed["gxpl"] == ["update_cycle"]
    assert (found["gxpl"]["field"], found["ID"]["field"]) == (None, None)
    assert (proposed["供数单位"][:1], proposed["ID"]) == (["provider"], ["res_code"])
    with signed_in(one, "officer") as client:
        page = read(client, f"/workbench/inventory/import/{report['id']}/columns")
    assert re.search(r"gxpl.*?<td>更新周期 50 %</td>", page, re.DOTALL)
