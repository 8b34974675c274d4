"""The scan of records through the real database, files and reading program."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

sys.path.insert(0, str(Path(__file__).parent))
from publishing_kit import Office, upload
from publishing_kit import office as open_office
from sqlalchemy import text

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.scan_patterns import id_check_character
from ckanext.govopen.logic import files, scans

MOBILE = "13900002345"
PASSWORD = "Zu-langes-Wort-7391"


def id_number(number: int) -> str:
    stem = f"33010219800101{number % 1000:03}"
    return stem + id_check_character(stem)


def people(count: int = 20, mark: str = "") -> bytes:
    rows = [
        f"张{'一二三四五六七八九十'[n % 10]}{mark},{id_number(n)},1390000{n:04}"
        for n in range(count)
    ]
    return "\n".join(["姓名,身份证号,电话", *rows]).encode()


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def scanned(office: Office, package_id: str) -> None:
    with office.application.test_request_context("/"):
        scans.scan(model.Session, [package_id])
        model.repo.commit()


def code_of(caught: pytest.ExceptionInfo[BaseException]) -> str:
    return str(getattr(caught.value, "govopen", {}).get("code"))


def by_pattern(shown: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {hit["pattern"]: hit for hit in shown["hits"]}


class TestScanShow:
    def test_columns_with_numbers_of_people_are_found_with_their_cells_masked(
        self, office: Office
    ) -> None:
        made = office.draft(data=people())
        scanned(office, made["id"])
        shown = office.act("officer", "govopen_scan_show", id=made["id"])
        hits = by_pattern(shown)
        assert shown["is_complete"]
        assert not shown["is_clean"]
        assert {name: (hit["severity"], hit["hits"]) for name, hit in hits.items()} == {
            "id18": ("high", 20),
            "mobile": ("high", 20),
        }
        assert hits["id18"]["cells"][0] == {
            "row": 2,
            "cell": "B2",
            "masked": f"330**************{id_number(0)[-1]}",
        }
        assert hits["mobile"]["column_name"] == "电话"

    def test_the_title_and_the_notes_are_scanned_too(self, office: Office) -> None:
        made = office.draft(title="停车场", notes=f"咨询请拨打{MOBILE}（王主任）")
        scanned(office, made["id"])
        (hit,) = office.act("officer", "govopen_scan_show", id=made["id"])["hits"]
        assert (hit["pattern"], hit["column_name"], hit["label"]) == ("mobile", "notes", "")

    def test_a_clean_dataset_is_clean_and_one_that_nobody_scanned_is_not(
        self, office: Office
    ) -> None:
        made = office.draft(data=f"名称,泊位\n{office.mark},1\n".encode())
        before = office.act("officer", "govopen_scan_show", id=made["id"])
        assert (before["is_complete"], before["is_clean"]) == (False, False)
        scanned(office, made["id"])
        after = office.act("officer", "govopen_scan_show", id=made["id"])
        assert (after["is_complete"], after["is_clean"], after["hits"]) == (True, True, [])

    def test_strangers_do_not_learn_that_there_is_a_dataset(self, office: Office) -> None:
        made = office.draft()
        with pytest.raises(tk.ObjectNotFound):
            office.act("stranger", "govopen_scan_show", id=made["id"])

    def test_the_same_bytes_are_read_once(self, office: Office) -> None:
        data = people(5, "同")
        for _ in range(2):
            scanned(office, office.draft(data=data)["id"])
        with office.application.test_request_context("/"):
            rows = model.Session.execute(
                text("SELECT subject, count(*) FROM govopen_scan GROUP BY 1 HAVING count(*) > 1")
            ).all()
        assert rows == []


class TestScanClear:
    def test_one_secrecy_reviewer_clears_a_high_finding_and_nobody_twice(
        self, office: Office
    ) -> None:
        made = office.draft(data=people(6, "清"))
        scanned(office, made["id"])
        case_id = office.submit(made["id"])
        hit = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["mobile"]
        answer = office.act_signed_in(
            "approver", "govopen_scan_clear", case=case_id, hit=hit["id"], reason="公开的值班电话"
        )
        assert answer["act"] == "cleared"
        cleared = by_pattern({"hits": answer["hits"]})["mobile"]
        assert cleared["cleared_by"] == [office.user_id("approver")]
        with pytest.raises(tk.ValidationError) as caught:
            office.act_signed_in(
                "approver", "govopen_scan_clear", case=case_id, hit=hit["id"], reason="再次"
            )
        assert code_of(caught) == "scan.E2"

    def test_a_critical_finding_takes_a_second_person(self, office: Office) -> None:
        made = office.draft(data="机密★5年\n,\n名称,泊位\n甲,2\n乙,3\n".encode())
        scanned(office, made["id"])
        case_id = office.submit(made["id"])
        hit = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["secret_mark"]
        assert hit["severity"] == "critical"
        asked = {"case": case_id, "hit": hit["id"], "reason": "样例文件"}
        first = office.act_signed_in("approver", "govopen_scan_clear", **asked)
        second = office.act_signed_in("second", "govopen_scan_clear", **asked)
        assert (first["act"], second["act"]) == ("cleared", "confirmed")

    def test_a_deputy_and_the_one_represented_stay_one_person_when_the_deputyship_has_ended(
        self, office: Office
    ) -> None:
        made = office.draft(data="机密★6年\n,\n名称,泊位\n甲,2\n乙,3\n".encode())
        scanned(office, made["id"])
        case_id = office.submit(made["id"])
        office.hire("stand-in", ())
        with office.application.test_request_context("/"):
            until = (clock.now() + timedelta(days=1)).isoformat()
        named = office.act_signed_in(
            "approver", "govopen_deputy_create", user=office.name("stand-in"),
            role="secrecy_reviewer", to=until,
        )  # fmt: skip
        hit = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["secret_mark"]
        asked = {"case": case_id, "hit": hit["id"], "reason": "样例文件"}
        assert office.act_signed_in("stand-in", "govopen_scan_clear", **asked)["act"] == "cleared"
        office.act_signed_in("approver", "govopen_deputy_end", id=named["id"])
        with pytest.raises(tk.ValidationError) as caught:
            office.act_signed_in("approver", "govopen_scan_clear", **asked)
        assert code_of(caught) == "scan.E2"
        assert office.act_signed_in("second", "govopen_scan_clear", **asked)["act"] == "confirmed"

    def test_a_reason_a_browser_and_another_person_than_the_submitter_are_needed(
        self, office: Office
    ) -> None:
        made = office.draft(data=people(7, "缺"))
        scanned(office, made["id"])
        case_id = office.submit(made["id"])
        hit = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["id18"]
        asked = {"case": case_id, "hit": hit["id"]}
        with pytest.raises(tk.ValidationError) as caught:
            office.act_signed_in("approver", "govopen_scan_clear", **asked, reason=" ")
        assert code_of(caught) == "scan.E1"
        with pytest.raises(tk.NotAuthorized) as refused:
            office.act("approver", "govopen_scan_clear", **asked, reason="x")
        assert code_of(refused) == "review.E10"
        with pytest.raises(tk.NotAuthorized) as refused:
            office.act_signed_in("officer", "govopen_scan_clear", **asked, reason="x")
        assert code_of(refused) == "review.E2"
        with pytest.raises(tk.NotAuthorized) as refused:
            office.act_signed_in("root", "govopen_scan_clear", **asked, reason="x")

    def test_a_clearance_is_for_its_case_and_is_carried_on_only_from_an_approved_one(
        self, office: Office
    ) -> None:
        made = office.draft(data=people(2, "续"))
        scanned(office, made["id"])
        first = office.submit(made["id"])
        hits = by_pattern(office.act("approver", "govopen_scan_show", case=first))
        for pattern in ("id18", "mobile"):
            asked = {"case": first, "hit": hits[pattern]["id"], "reason": "依法公示"}
            office.act_signed_in("approver", "govopen_scan_clear", **asked)
        office.act_signed_in(
            "second", "govopen_review_decide", id=first, decision="return", reason="补材料"
        )
        second = office.submit(made["id"])
        hits = by_pattern(office.act("approver", "govopen_scan_show", case=second))
        assert [hits[pattern]["cleared_by"] for pattern in ("id18", "mobile")] == [[], []]
        for pattern in ("id18", "mobile"):
            asked = {"case": second, "hit": hits[pattern]["id"], "reason": "依法公示"}
            office.act_signed_in("approver", "govopen_scan_clear", **asked)
        assert office.approve(second)["state"] == "published"
        office.act(
            "officer", "govopen_publication_withdraw", id=made["id"], ground="error", reason="更正"
        )
        third = office.submit(made["id"])
        hits = by_pattern(office.act("approver", "govopen_scan_show", case=third))
        person = office.user_id("approver")
        assert [hits[pattern]["cleared_by"] for pattern in ("id18", "mobile")] == [[person]] * 2

    def test_the_same_file_in_another_dataset_is_not_cleared(self, office: Office) -> None:
        data = people(2, "另")
        cases = []
        for _ in range(2):
            made = office.draft(data=data)
            scanned(office, made["id"])
            cases.append(office.submit(made["id"]))
        hit = by_pattern(office.act("approver", "govopen_scan_show", case=cases[0]))["id18"]
        office.act_signed_in(
            "approver", "govopen_scan_clear", case=cases[0], hit=hit["id"], reason="样例"
        )
        other = by_pattern(office.act("approver", "govopen_scan_show", case=cases[1]))["id18"]
        assert (other["id"], other["cleared_by"]) == (hit["id"], [])


class TestScanAllow:
    def test_a_listed_office_mobile_is_a_note_and_its_number_is_kept_nowhere(
        self, office: Office
    ) -> None:
        made = office.draft(data="窗口,电话\n一号,13700001111\n二号,13700001111\n".encode())
        scanned(office, made["id"])
        assert not office.act("officer", "govopen_scan_show", id=made["id"])["is_clean"]
        number = {
            "unit": office.unit_id,
            "pattern": "mobile",
            "value": "137-0000-1111",
            "reason": "门户网站公布的值班手机",
        }
        listed = office.act("approver", "govopen_scan_allow", **number)
        assert listed["masked"] == "137****1111"
        assert office.act("approver", "govopen_scan_allow", **number) == listed, "listed once"
        shown = office.act("officer", "govopen_scan_show", id=made["id"])
        assert shown["is_clean"]
        assert by_pattern(shown)["mobile"]["is_allowed"]
        office.act("approver", "govopen_scan_disallow", id=listed["id"])
        assert not office.act("officer", "govopen_scan_show", id=made["id"])["is_clean"]

    @pytest.mark.parametrize(("pattern", "value"), [("mobile", "12"), ("id18", id_number(1))])
    def test_only_numbers_that_can_be_lawful_are_listed(
        self, office: Office, pattern: str, value: str
    ) -> None:
        with pytest.raises(tk.ValidationError) as caught:
            office.act(
                "approver",
                "govopen_scan_allow",
                unit=office.unit_id,
                pattern=pattern,
                value=value,
                reason="x",
            )
        assert code_of(caught) == "scan.E4"

    def test_an_officer_lists_nothing(self, office: Office) -> None:
        with pytest.raises(tk.NotAuthorized):
            office.act(
                "officer",
                "govopen_scan_allow",
                unit=office.unit_id,
                pattern="mobile",
                value=MOBILE,
                reason="x",
            )

    def test_no_number_stands_in_the_tables_of_the_scan(self, office: Office) -> None:
        with office.application.test_request_context("/"):
            for table in ("scan", "scan_hit", "scan_clearance", "scan_allowance"):
                kept = model.Session.execute(
                    text(f"SELECT count(*) FROM govopen_{table} t WHERE t::text ~ :values"),
                    {"values": f"{MOBILE}|13700001111|1390000[0-9]{{4}}|33010219800101"},
                ).scalar_one()
                assert kept == 0


class TestFileMask:
    def test_a_masked_copy_takes_the_place_of_a_drafts_file_and_is_scanned(
        self, office: Office
    ) -> None:
        made = office.draft(data=people(9, "掩"))
        resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
        answer = office.act(
            "officer",
            "govopen_file_mask",
            resource=resource_id,
            columns=[
                {"column": "身份证号", "how": "truncate"},
                {"column": "电话", "how": "drop"},
                {"column": 0, "how": "truncate"},
            ],
        )
        assert (answer["rows"], answer["cells"]) == (10, 18)
        with office.application.test_request_context("/"):
            path = files.ResourceFile({}).get_path(resource_id)
        lines = Path(path).read_text("utf-8").splitlines()
        assert lines[0] == "姓名,身份证号"
        assert lines[1] == f"张**,330**************{id_number(0)[-1]}"
        assert office.act("officer", "govopen_scan_show", id=made["id"])["is_clean"]

    def test_what_is_under_review_is_not_masked_and_strangers_mask_nothing(
        self, office: Office
    ) -> None:
        made = office.draft(data=people(4, "审"))
        resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
        plan = {"resource": resource_id, "columns": [{"column": "电话", "how": "drop"}]}
        with pytest.raises(tk.ObjectNotFound):
            office.act("stranger", "govopen_file_mask", **plan)
        office.submit(made["id"])
        with pytest.raises(tk.ValidationError) as caught:
            office.act("officer", "govopen_file_mask", **plan)
        assert code_of(caught) == "review.E11"

    def test_masks_that_complete_each_other_are_refused_and_change_nothing(
        self, office: Office
    ) -> None:
        rows = [f"张三,{id_number(n)},{id_number(n)}" for n in range(5)]
        made = office.draft(data="\n".join(["姓名,身份证号,证号备份", *rows]).encode())
        resource = office.act("officer", "package_show", id=made["id"])["resources"][0]
        with pytest.raises(tk.ValidationError) as caught:
            office.act(
                "officer",
                "govopen_file_mask",
                resource=resource["id"],
                columns=[{"column": "身份证号", "how": "truncate"}],
            )
        assert code_of(caught) == "scan.E8"
        after = office.act("officer", "package_show", id=made["id"])["resources"][0]
        assert after["hash"] == resource["hash"]

    def test_a_waiting_revision_brings_the_masked_copy(self, office: Office) -> None:
        made = office.published(data=f"窗口,人\n{office.mark},李四\n".encode())
        resource_id = office.act("officer", "package_show", id=made["id"])["resources"][0]["id"]
        revision = office.act(
            "officer",
            "govopen_pending_revision_create",
            id=made["id"],
            note="新数据",
            resource=resource_id,
            upload=upload(people(8, "修"), "new.csv"),
        )
        scanned(office, revision["id"])
        with office.application.test_request_context("/"):
            assert not scans.is_clean(model.Session, revision["id"])
        office.act(
            "officer",
            "govopen_file_mask",
            resource=resource_id,
            revision=revision["id"],
            columns=[
                {"column": "身份证号", "how": "hash"},
                {"column": "电话", "how": "replace", "text": "已隐去"},
            ],
        )
        with office.application.test_request_context("/"):
            assert scans.is_clean(model.Session, revision["id"])


class TestPages:
    def test_a_reviewer_clears_on_the_page_of_the_case(self, office: Office) -> None:
        made = office.draft(data=people(3, "页"))
        scanned(office, made["id"])
        case_id = office.submit(made["id"])
        with signed_in(office, "approver") as client:
            address = f"/workbench/review/{case_id}/scan"
            shown = client.get(address).get_data(as_text=True)
            assert f"330**************{id_number(0)[-1]}" in shown
            assert id_number(0) not in shown
            hit = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["id18"]
            form = {"hit": hit["id"], "reason": "样例", "_csrf_token": token_in(shown)}
            assert client.post(f"{address}/clear", data=form).status_code == 302
        cleared = by_pattern(office.act("approver", "govopen_scan_show", case=case_id))["id18"]
        assert cleared["cleared_by"] == [office.user_id("approver")]

    def test_an_officer_scans_and_masks_on_the_page_of_the_dataset(self, office: Office) -> None:
        made = office.draft(data=people(5, "牌"))
        with signed_in(office, "officer") as client:
            address = f"/workbench/datasets/{made['name']}/scan"
            token = token_in(client.get(address).get_data(as_text=True))
            client.post(f"{address}/run", data={"_csrf_token": token})
            shown = client.get(address).get_data(as_text=True)
            assert "1390000" not in shown
            resource = office.act("officer", "package_show", id=made["id"])["resources"][0]
            form = {
                "resource": resource["id"],
                "column": ["1", "2"],
                "sheet": ["", ""],
                "how": ["truncate", "drop"],
                "_csrf_token": token_in(shown),
            }
            assert client.post(f"{address}/mask", data=form).status_code == 302
        assert office.act("officer", "govopen_scan_show", id=made["id"])["is_clean"]


def token_in(page: str) -> str:
    found = re.search(r'name="_csrf_token"[^>]*value="([^"]+)"', page)
    assert found
    return found[1]


@contextmanager
def signed_in(office: Office, person: str) -> Iterator[FlaskClient]:
    """A browser in which a person has signed in."""
    with office.application.test_request_context("/"):
        user = model.User.get(office.name(person))
        user.password = PASSWORD
        model.repo.commit()
    with office.application.test_client() as client:
        form = {"login": office.name(person), "password": PASSWORD}
        answer = client.post("/user/login", data=form)
        assert answer.status_code == 302
        yield client


class TestLargeFiles:
    def test_what_takes_too_long_is_left_to_a_job_and_counts_as_not_scanned(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = office.draft(data=people(4, "大"))
        with office.application.test_request_context("/"):
            monkeypatch.setattr(scans, "AT_ONCE_BYTES", 10)
            scans.scan(model.Session, [made["id"]])
            waiting = model.Session.execute(
                text(
                    "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'scan.run'"
                    " AND args -> 'records' ? :id"
                ),
                {"id": made["id"]},
            ).scalar_one()
            found = scans.hits_of_records(model.Session, [made["id"]])
            model.Session.rollback()  # the running worker is not to have it
        assert waiting == 1
        assert [(hit.pattern, hit.severity) for hit in found] == [("unscanned", "critical")]
        with office.application.test_request_context("/"):
            scans.run(model.Session, [made["id"]])
            assert not scans.is_clean(model.Session, made["id"])
            found = scans.hits_of_records(model.Session, [made["id"]])
            model.Session.rollback()
        assert {hit.pattern for hit in found} == {"id18", "mobile"}


ITEMS = [
    {"name_zh": "名称", "name_en": "name", "data_type": "C", "length": "100"},
    {"name_zh": "泊位", "data_type": "N"},
]


def test_a_file_without_any_declared_column_is_told_at_the_draft_and_in_its_case(
    office: Office,
) -> None:
    right = office.draft(data=f"名称,泊位\n{office.mark},3\n".encode(), items=ITEMS)
    wrong = office.draft(data=f"科室,人数\n{office.mark},3\n".encode(), items=ITEMS)
    case_id = office.submit(right["id"], wrong["id"])
    at_draft = office.act("officer", "govopen_scan_show", id=wrong["id"])["warnings"]
    in_case = office.act("approver", "govopen_scan_show", case=case_id)
    assert in_case["is_clean"]
    assert [one["record_id"] for one in in_case["warnings"]] == [wrong["id"]]
    (told,) = in_case["warnings"]
    shown = office.act("officer", "package_show", id=wrong["id"])
    assert (told["code"], told["resource_id"]) == ("review.W1", shown["resources"][0]["id"])
    assert all(word in told["text"] for word in ("科室", "人数", "名称"))
    assert at_draft == in_case["warnings"]
