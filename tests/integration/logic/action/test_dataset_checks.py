"""The checks of the data of a dataset: at the draft, at its submission, in its case, in a refresh."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office, upload
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import case_scan, dataset_checks, scans

ITEMS = [
    {"name_zh": "名称", "data_type": "C"},
    {"name_zh": "泊位", "data_type": "N"},
    {"name_zh": "姓名", "data_type": "C", "sensitive": "personal"},
]
PASSWORD = "Zu-langes-Wort-7391"
TITLE = "停车泊位（另一单位）"


def rows(office: Office, count: int, head: str, last: str) -> bytes:
    """A table of this office alone, in the encoding of old spreadsheets."""
    lines = [f"停车场{office.mark}{n}号,{n},{last}\n" for n in range(count)]
    return (f"名称,车位数,{head}\n" + "".join(lines)).encode("gb18030")


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        one.entry_codes[:] = one.add_entries(1, items=ITEMS)
        yield one


@pytest.fixture(scope="module")
def neighbour(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def refused(office: Office, action: str, /, **data: Any) -> dict[str, Any]:
    with pytest.raises(tk.ValidationError) as caught:
        office.act("officer", action, **data)
    part: dict[str, Any] = caught.value.govopen
    return part


def page(office: Office, person: str, address: str) -> str:
    with office.application.test_request_context("/"):
        office.user(person).password = PASSWORD
        model.repo.commit()
    with office.application.test_client() as client:
        client.post("/user/login", data={"login": office.name(person), "password": PASSWORD})
        answer = client.get(address)
        assert answer.status_code == 200
        return str(answer.get_data(as_text=True))


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [one["code"].removeprefix("inventory.") for one in found]


def tomorrow() -> str:
    return (clock.today() + timedelta(days=1)).isoformat()


def test_everything_at_once_from_the_draft_to_the_case_of_a_revision(
    office: Office, neighbour: Office
) -> None:
    made = office.published(
        data="名称,泊位\n".encode() + b"".join(b"a%d,1\n" % n for n in range(100))
    )
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    with office.application.test_request_context("/"):
        new = rows(office, 60, "日期", tomorrow())
    neighbour.draft(data=new, title=TITLE)
    own = office.draft(data=new, title="同内容草稿")
    revision = office.act(
        "officer", "govopen_pending_revision_create", id=made["id"], note="更正",
        title="停车场测试数据", license_id="notspecified", resource=resource,
        upload=upload(rows(office, 60, "姓名", "张三"), "new.csv"),
    )  # fmt: skip
    answer = refused(office, "govopen_review_submit", revisions=[revision["id"]])
    assert (answer["code"], answer["fields"]) == ("inventory.E3", ["resources"])
    assert "姓名" in answer["hint"]
    office.act(
        "officer", "govopen_pending_revision_update", id=revision["id"], resource=resource,
        upload=upload(new, "new.csv"),
    )  # fmt: skip
    case = office.act("officer", "govopen_review_submit", revisions=[revision["id"]])
    told = case["warnings"]
    assert codes(told) == ["W1", "W2", "W2", "W3", "W4", "W5", "W6", "W7"]
    texts = {one["code"]: one["text"] for one in told}
    assert "泊位" in texts["inventory.W1"]
    assert "车位数" in texts["inventory.W1"]
    assert "40.0%（100 → 60）" in texts["inventory.W3"]
    assert "GB18030" in texts["inventory.W6"]
    twins = [one["text"] for one in told if one["code"] == "inventory.W2"]
    assert sorted(("同内容草稿" in one, "另一个数据集" in one) for one in twins) == [
        (False, True), (True, False),
    ]  # fmt: skip
    assert TITLE not in str(told)
    seen = office.act("approver", "govopen_scan_show", case=case["id"])
    assert codes(seen["warnings"]) == codes(told)
    assert TITLE not in str(office.act("approver", "govopen_review_show", id=case["id"]))
    # What was told stays told, whatever becomes of the other draft.
    office.act("officer", "package_delete", id=own["id"])
    shown = page(office, "approver", f"/workbench/review/{case['id']}")
    assert all(f"inventory.W{n}" in shown for n in range(1, 8))


def test_a_draft_with_a_marked_column_stays_one_until_the_column_is_masked(office: Office) -> None:
    data = f"名称,泊位,姓 名\n{office.mark},3,张三\n乙,4,李四\n".encode()
    made = office.draft(data=data)
    assert refused(office, "govopen_review_submit", datasets=[made["id"]])["code"] == "inventory.E3"
    shown = office.act("officer", "govopen_scan_show", id=made["id"])
    assert codes(shown["refusals"]) == ["E3"]
    assert "inventory.E3" in page(office, "officer", f"/workbench/datasets/{made['name']}")
    assert "疑似涉密" in page(office, "officer", f"/dataset/edit/{made['name']}")
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
    masks = [{"column": 2, "how": "truncate"}]
    office.act("officer", "govopen_file_mask", resource=resource, columns=masks)
    assert codes(office.act("officer", "govopen_scan_show", id=made["id"])["refusals"]) == []
    assert office.act("officer", "govopen_review_submit", datasets=[made["id"]])["warnings"] == []


def test_rows_that_do_not_fit_are_told_with_their_lines_and_stand_in_no_table(
    office: Office,
) -> None:
    fine = "名称,泊位\n" + "".join(f"{office.mark}{n},{n}\n" for n in range(20))
    made = office.draft(data=f"{fine}甲,乙,3\n丙\n".encode())
    case = office.act("officer", "govopen_review_submit", datasets=[made["id"]])
    assert codes(case["warnings"]) == ["W14"]
    assert "有 2 行" in case["warnings"][0]["text"]
    assert "第 22, 23 行" in case["warnings"][0]["text"]
    office.approve(case["id"])
    open_ended = office.draft(data=f'{fine}"丁,1\n戊,2\n'.encode())
    case = office.act("officer", "govopen_review_submit", datasets=[open_ended["id"]])
    assert "inventory.W15" in [one["code"] for one in case["warnings"]]
    assert "第 22 行" in case["warnings"][-1]["text"] + case["warnings"][-2]["text"]
    office.approve(case["id"])
    found = []
    for one in (made, open_ended):
        resource = office.act("officer", "package_show", id=one["id"])["resources"][0]
        found.append(resource["datastore_active"])
        if resource["datastore_active"]:
            with office.application.test_request_context("/"):
                rows = tk.get_action("datastore_search")({}, {"resource_id": resource["id"]})
            assert rows["total"] == 21
            assert rows["records"][-1]["名称"] == "丙"
    assert found == [True, False]


def test_a_refresh_inside_its_rule_with_a_name_in_it_is_a_case_that_nobody_approves(
    office: Office,
) -> None:
    def table(name: str) -> bytes:
        lines = [f"停车场{n},{n},{name if n == 3 else '张*'}\n" for n in range(100)]
        return ("名称,泊位,姓名\n" + "".join(lines)).encode()

    made = office.draft(data=table("李*"), update_cycle="daily")
    rule = office.act(
        "officer", "govopen_refresh_rule_create", id=made["id"], row_change_bound=0.2,
        expires_on=office.days_ahead(90),
    )  # fmt: skip
    office.approve(office.submit(made["id"]))
    resource = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]

    def bring(name: str) -> Any:
        return office.act(
            "officer", "govopen_pending_revision_create", id=made["id"], note="每日更新",
            rule=rule["id"], resource=resource, upload=upload(table(name), "new.csv"),
        )  # fmt: skip

    assert bring("王*")["state"] == "published"
    held = bring("王五")
    assert held["state"] == "submitted"
    case = office.act("approver", "govopen_review_show", id=held["case_id"])
    assert "姓名" in case["reason"]
    assert "inventory.E3" in case["can"]["why"]
    told = office.act("approver", "govopen_scan_show", case=held["case_id"])
    assert codes(told["refusals"]) == ["E3"]
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(held["case_id"])
    assert caught.value.govopen["code"] == "inventory.E3"


def test_a_file_that_is_scanned_after_the_submission_is_checked_then_and_not_approved(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        office.draft(data=f"名称,泊位,姓名\n{office.mark}大{n},3,张三\n".encode())["id"]
        for n in "12"
    ]
    with monkeypatch.context() as patch:
        patch.setattr(scans, "AT_ONCE_BYTES", 10)
        broken, case = sorted(office.submit(one) for one in made)
    real = dataset_checks.keep

    def keep(session: Any, case_id: str, records: Any) -> None:
        if case_id == broken:
            raise RuntimeError
        real(session, case_id, records)

    with monkeypatch.context() as patch, office.application.test_request_context("/"):
        scans.run(model.Session, made)
        model.repo.commit()
        patch.setattr(dataset_checks, "keep", keep)  # a case that fails stops no other
        case_scan.proceed_all(model.Session)  # as the worker does, maybe beside it
    told = office.act("approver", "govopen_scan_show", case=case)
    assert (told["is_complete"], codes(told["refusals"])) == (True, ["E3"])
    with pytest.raises(tk.ValidationError) as caught:
        office.approve(case)
    assert caught.value.govopen["code"] == "inventory.E3"


def test_many_records_are_checked_by_as_many_statements_as_one(office: Office) -> None:
    made = [
        office.draft(data=f"名称,泊位\n{n},{n}\n".encode(), tags=[], notes="短" * (n + 1))["id"]
        for n in range(4)
    ]

    def statements(ids: list[str]) -> int:
        asked: list[str] = []
        engine = model.Session.get_bind()

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            asked.append(statement)

        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            dataset_checks.of_records(model.Session, scans.records_of(model.Session, ids))
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(asked)

    with office.application.test_request_context("/"):
        assert statements(made) == statements(made[:1]) <= 6
    case = office.act("officer", "govopen_review_submit", datasets=made)
    told = [
        (one["code"], one["records"], len(one["titles"]), one["further"])
        for one in case["warnings"]
        if one["code"].startswith("datasets.")
    ]
    brief = [("datasets.W5", 1, 1, further) for further in (0, 0, 1)]
    assert sorted(told) == [("datasets.W1", 4, 3, 0), *brief]
    assert "，另有 1 个 · 有 0 个标签" in page(
        office, "approver", f"/workbench/review/{case['id']}"
    )
