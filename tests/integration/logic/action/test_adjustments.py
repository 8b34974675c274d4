"""Adjustments of lists: every kind, checks, two editors, returns, notices, through the actions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from lists_kit import adjust, begin, change, edit, hand_in, listed, power, refusal, value
from publishing_kit import Office
from publishing_kit import office as open_office

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.logic import adjustments, findings, register_exits
from ckanext.govopen.model import adjustments as drafts
from ckanext.govopen.model import registers as store


@pytest.fixture(scope="module")
def office(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


@pytest.fixture(scope="module")
def other(application: Flask) -> Iterator[Office]:
    with open_office(application) as one:
        yield one


def added(office: Office, *names: str, **facts: Any) -> tuple[str, list[str]]:
    """The list of powers with new entries of these names, published; their codes."""
    draft = adjust(office, *(change("add", None, power(office, name)) for name in names), **facts)
    by_name = {item["name"]: item["entry_code"] for item in draft["items"]}
    return draft["register_id"], [by_name[name] for name in names]


class TestKinds:
    """What each kind of change does to entries."""

    def test_an_addition_is_public_with_basis_reason_and_a_code_of_its_own(
        self, office: Office
    ) -> None:
        register, (code,) = added(office, "占道许可")
        entry = listed(office, register)[code]
        assert (entry["change"], entry["status"]) == ("add", "in_force")
        assert entry["basis"] == "云政发〔2026〕12 号"
        assert entry["fields"]["legal_basis"][0]["title"] == "城市道路管理条例"

    def test_a_repealed_entry_leaves_the_list_and_stays_under_its_status(
        self, office: Office
    ) -> None:
        register, (code,) = added(office, "挖掘许可")
        adjust(office, change("cancel", code, follow_up="事中事后监管"), effective_on=-5)
        assert code not in listed(office, register)
        assert code in listed(office, register, as_of=office.days_ahead(-6))
        ended = listed(office, register, status="cancelled")[code]
        assert ended["extra"] == {"follow_up": "事中事后监管"}

    def test_entries_are_merged_into_one(self, office: Office) -> None:
        register, (first, second, third) = added(office, "甲项", "乙项", "丙项")
        merged = power(office, "甲乙丙项")
        adjust(office, change("merge", first, merged, merged_codes=[second, third]))
        now = listed(office, register)
        assert now[first]["fields"]["name"] == "甲乙丙项"
        assert not {second, third} & now.keys()
        gone = listed(office, register, status="merged")
        assert gone[second]["extra"] == {"merged_into": first}

    def test_an_entry_is_split_into_new_ones(self, office: Office) -> None:
        register, (code,) = added(office, "综合许可")
        parts = [{"fields": power(office, "许可之一")}, {"fields": power(office, "许可之二")}]
        adjust(office, change("split", code, parts=parts))
        now = listed(office, register)
        names = {one["fields"]["name"]: one for one in now.values()}
        assert names["许可之一"]["extra"] == {"split_from": code}
        assert code not in now
        assert set(listed(office, register, status="cancelled")[code]["extra"]["new_codes"]) == {
            names["许可之一"]["entry_code"],
            names["许可之二"]["entry_code"],
        }

    def test_an_entry_moves_to_another_unit_under_its_code_by_one_case(
        self, office: Office, other: Office
    ) -> None:
        register, (code,) = added(office, "划转事项")
        draft = edit(office, begin(office), change("transfer", code, to_unit=other.unit_id))
        office.approve(hand_in(office, draft)["case_id"])
        assert code in listed(office, register, status="transferred")
        received = value(
            office,
            "SELECT id FROM govopen_register WHERE register_type = 'power_list' AND unit_id = :u",
            u=other.unit_id,
        )
        assert listed(office, received)[code]["extra"] == {"from_unit": office.unit_id}
        assert listed(office, received)[code]["fields"]["name"] == "划转事项"

    def test_an_entry_becomes_one_of_another_type(self, office: Office) -> None:
        register, (code,) = added(office, "转内部事项")
        fields = {
            "name": "转内部事项", "kind": "active", "doc_no": "云政办发〔2026〕1 号",
            "last_reviewed": "2026-01-05", "review_result": "kept",
        }  # fmt: skip
        adjust(office, change("convert", code, fields, new_type="internal_rule_list"))
        closed = listed(office, register, status="cancelled")[code]
        other_list = value(
            office,
            "SELECT id FROM govopen_register WHERE register_type = 'internal_rule_list'"
            " AND unit_id = :u",
            u=office.unit_id,
        )
        opened = listed(office, other_list)[closed["extra"]["new_code"]]
        assert opened["extra"] == {"from_type": "power_list", "from_code": code}

    @pytest.mark.parametrize(
        ("kinds", "status"),
        [
            ([("suspend", {"period": "2026-12 至 2027-01"})], "suspended"),
            ([("suspend", {"period": "一年"}), ("resume", {})], "in_force"),
            ([("delegate", {"receiving": ["各区住建局"]})], "delegated"),
            ([("delegate", {"receiving": ["各区"]}), ("retrieve", {})], "in_force"),
            ([("entrust", {"agreement": "委托书", "period": "一年"})], "in_force"),
        ],
        ids=["suspend", "resume", "delegate", "retrieve", "entrust"],
    )
    def test_the_status_follows_the_kind(
        self, office: Office, kinds: list[tuple[str, dict[str, Any]]], status: str
    ) -> None:
        register, (code,) = added(office, f"状态{kinds!r}"[:60])
        for kind, extra in kinds:
            adjust(office, change(kind, code, **extra))
        assert code in listed(office, register, status=status)

    def test_a_correction_mends_the_past_and_leaves_what_was_known_then(
        self, office: Office
    ) -> None:
        register, (code,) = added(office, "误写名称")
        known = value(office, "SELECT to_json(govopen_now())")
        number = value(
            office,
            "SELECT max(number) FROM govopen_register_version WHERE register_id = :r",
            r=register,
        )
        adjust(
            office,
            change("correct", code, power(office, "改正名称"), corrects=number),
            effective_on=-1,
        )
        assert (
            listed(office, register, as_of=office.days_ahead(-10))[code]["fields"]["name"]
            == "改正名称"
        )
        then = listed(office, register, as_of=office.days_ahead(-10), known_at=known)
        assert then[code]["fields"]["name"] == "误写名称"
        with office.application.test_request_context("/"):
            notice = tk.get_action("govopen_register_notice_show")(
                {}, {"register": register, "number": number + 1}
            )
        assert notice["counts"] == {}
        assert notice["items"] == []
        assert notice["corrected"][0]["changed"] == {"name": ["误写名称", "改正名称"]}


class TestChecks:
    """An adjustment that breaks a numbered check is refused and stays a draft."""

    def refused(self, office: Office, *changes: dict[str, Any], **facts: Any) -> set[str]:
        draft = edit(office, begin(office, **facts), *changes)
        said = {one["code"] for one in draft["findings"] if one["is_refusal"]}
        refusal(office, "govopen_register_draft_submit", id=draft["id"])
        again = office.act("officer", "govopen_register_draft_show", id=draft["id"])
        assert again["state"] == "editing"
        return said

    def test_no_basis_reason_or_date(self, office: Office) -> None:
        fields = power(office, "无依据")
        said = self.refused(
            office, change("add", None, fields), basis="", reason="", effective_on=None
        )
        assert said == {"registers.E1"}

    def test_an_empty_draft(self, office: Office) -> None:
        assert self.refused(office) == {"registers.E21"}

    def test_a_code_that_was_used(self, office: Office, other: Office) -> None:
        _, (code,) = added(other, "别家的编码")
        assert self.refused(office, change("add", code, power(office, "新事项"))) == {
            "registers.E3"
        }

    def test_two_entries_that_are_the_same(self, office: Office) -> None:
        added(office, "重复事项")
        assert self.refused(office, change("add", None, power(office, "重复事项"))) == {
            "registers.E7"
        }

    def test_a_change_that_changes_nothing(self, office: Office) -> None:
        _, (code,) = added(office, "不变事项")
        assert self.refused(office, change("change", code, power(office, "不变事项"))) == {
            "registers.E26"
        }

    def test_a_change_before_an_earlier_one(self, office: Office) -> None:
        _, (code,) = added(office, "先后事项")
        said = self.refused(
            office,
            change("change", code, power(office, "先后事项二")),
            effective_on=-20,
        )
        assert said == {"registers.E2"}

    def test_what_a_kind_asks_for(self, office: Office) -> None:
        _, (code,) = added(office, "缺项事项")
        assert self.refused(office, change("cancel", code)) == {"registers.E20"}
        assert self.refused(office, change("delegate", code)) == {"registers.E8"}
        assert self.refused(office, change("correct", code, power(office, "x"))) == {
            "registers.E13"
        }
        assert self.refused(office, change("resume", code)) == {"registers.E17"}

    def test_a_child_does_not_outlive_its_parent(self, office: Office) -> None:
        _, (parent,) = added(office, "主项")
        adjust(office, change("add", None, power(office, "子项", parent_code=parent)))
        assert self.refused(office, change("cancel", parent, follow_up="监管")) == {"registers.E9"}

    def test_a_repeal_names_linked_entries_and_is_refused_where_one_stays(
        self, office: Office
    ) -> None:
        _, (code,) = added(office, "有关联的许可")
        fields = {
            "name": "有关联的责任", "power_ref": code, "duty_items": ["受理"],
            "accountability_cases": ["不受理"],
            "legal_basis": [{"title": "行政许可法"}],
        }  # fmt: skip
        linked = adjust(office, change("add", None, fields), kind="responsibility_list")
        its_code = linked["items"][0]["entry_code"]
        draft = edit(office, begin(office), change("cancel", code, follow_up="监管"))
        said = [(one["code"], one["entry_code"], one["linked"]) for one in draft["findings"]]
        assert said == [("registers.W4", code, its_code)]
        kept = change("cancel", code, follow_up="监管", stays=[its_code])
        assert self.refused(office, kept) == {"registers.E10"}

    def test_the_table_of_a_notice_is_not_typed(self, office: Office) -> None:
        draft = begin(office)
        said = refusal(
            office,
            "govopen_register_draft_update",
            id=draft["id"],
            revision=draft["revision"],
            table=[{"seq": 1}],
        )
        assert "table" in said

    def test_a_list_that_is_computed_is_not_typed(self, office: Office) -> None:
        said = refusal(
            office,
            "govopen_register_draft_create",
            register_type="open_data_list",
            unit=office.unit_id,
        )
        assert "register_type" in said

    def test_a_finding_names_list_entry_and_field_and_what_to_do_in_both_languages(
        self, office: Office, other: Office
    ) -> None:
        _, (taken,) = added(other, "邻局的事项")
        _, (own,) = added(office, "本局的事项")
        draft = edit(
            office,
            begin(office, approved_on=-30, requested_on=-20),
            change("add", taken, power(office, "编码已用")),
            change("add", None, {"name": "缺必填项"}),
            change("cancel", own),
            change("transfer", "990100-404", to_unit="nowhere"),
        )
        of_the_draft = {"registers.E25"}
        for one in draft["findings"]:
            assert one["register_id"] == draft["register_id"]
            assert one["field"], one
            assert bool(one["entry_code"]) != (one["code"] in of_the_draft), one
        assert {one["code"] for one in draft["findings"]} == {
            "registers.E3", "registers.E6", "registers.E20", "registers.E25", "registers.E45",
            "registers.E47", "registers.W10",
        }  # fmt: skip
        with office.application.test_request_context("/"):
            row = drafts.show(model.Session, draft["id"])
            assert row is not None
            for one in adjustments.findings_of(model.Session, row):
                for lang, of, example in (("zh", "权力清单", "例："), ("en", "Powers", "Example:")):
                    text = findings.describe(one, lang)["text"]
                    assert f"测试局{office.mark} · {of}" in text
                    assert str(one.params.get("entry", "")) in text
                    assert example in text
                    assert "—" not in text, "each fact that a text mentions is given"


def duty(office: Office, name: str) -> dict[str, Any]:
    """The content of an entry of the list of responsibilities that can be handed in."""
    return {
        "name": name,
        "duty_items": ["受理", "审查", "决定"],
        "accountability_cases": ["不依法受理的"],
        "legal_basis": [{"title": "城市道路管理条例"}],
    }


class TestOneCase:
    """Lists that one document adjusts go into one case."""

    def drafts(self, office: Office, name: str) -> list[dict[str, Any]]:
        powers, duties = begin(office), begin(office, "responsibility_list")
        edit(office, powers, change("add", None, power(office, name)))
        edit(office, duties, change("add", None, duty(office, name)))
        return [powers, duties]

    def test_both_lists_are_public_by_one_approval(self, office: Office) -> None:
        first, second = self.drafts(office, "树木迁移")
        handed = office.act(
            "officer", "govopen_register_draft_submit", id=first["id"], also=[second["id"]]
        )
        assert handed["case_id"]
        office.approve(handed["case_id"])
        for draft in (first, second):
            now = listed(office, draft["register_id"]).values()
            assert "树木迁移" in {entry["fields"]["name"] for entry in now}

    def test_what_one_draft_lacks_keeps_all_of_them_in_editing(self, office: Office) -> None:
        first, second = self.drafts(office, "路灯迁移")
        third = begin(office, "fee_list")
        refused = refusal(
            office,
            "govopen_register_draft_submit",
            id=first["id"],
            also=[second["id"], third["id"]],
        )
        assert refused
        for draft in (first, second, third):
            shown = office.act("officer", "govopen_register_draft_show", id=draft["id"])
            assert shown["state"] == "editing"

    def test_another_units_draft_is_as_if_it_were_not_there(
        self, office: Office, other: Office
    ) -> None:
        first, _ = self.drafts(office, "河道占用")
        foreign = begin(other)
        with pytest.raises(tk.ObjectNotFound):
            office.act(
                "officer", "govopen_register_draft_submit", id=first["id"], also=[foreign["id"]]
            )


class TestTwoEditors:
    """Two people write one draft, or two drafts of one list."""

    def test_different_entries_are_merged(self, office: Office) -> None:
        draft = begin(office)
        edit(office, draft, change("add", f"A-{office.mark}", power(office, "甲写的")))
        after = edit(office, draft, change("add", f"B-{office.mark}", power(office, "乙写的")))
        assert [item["name"] for item in after["items"]] == ["甲写的", "乙写的"]

    def test_of_the_same_entry_the_second_sees_what_the_first_wrote(self, office: Office) -> None:
        draft = begin(office)
        code = f"C-{office.mark}"
        edit(office, draft, change("add", code, power(office, "先写的")))
        with pytest.raises(tk.ValidationError) as caught:
            edit(office, draft, change("add", code, power(office, "后写的")))
        part = caught.value.govopen
        assert part["code"] == "registers.E19"
        assert "先写的" in part["params"]["theirs"]
        kept = office.act("officer", "govopen_register_draft_show", id=draft["id"])
        assert kept["items"][0]["name"] == "先写的"

    def test_an_entry_that_moved_is_named_and_the_draft_rebased(self, office: Office) -> None:
        register, (code,) = added(office, "并行事项")
        slow = edit(office, begin(office), change("change", code, power(office, "慢的一稿")))
        adjust(office, change("change", code, power(office, "快的一稿")))
        said = refusal(office, "govopen_register_draft_submit", id=slow["id"])
        assert code in str(said)
        edit(office, slow, rebase=True)
        office.approve(hand_in(office, slow)["case_id"])
        assert listed(office, register)[code]["fields"]["name"] == "慢的一稿"

    def test_an_approval_does_not_overwrite_what_was_published_meanwhile(
        self, office: Office
    ) -> None:
        register, (code,) = added(office, "审批竞争")
        first = edit(office, begin(office), change("change", code, power(office, "第一稿")))
        second = edit(office, begin(office), change("change", code, power(office, "第二稿")))
        one, two = hand_in(office, first)["case_id"], hand_in(office, second)["case_id"]
        office.approve(one)
        with pytest.raises(tk.ValidationError, match=code):
            office.approve(two)
        assert listed(office, register)[code]["fields"]["name"] == "第一稿"

    def test_a_returned_draft_is_mended_and_handed_in_again(self, office: Office) -> None:
        draft = edit(office, begin(office), change("add", None, power(office, "退回事项")))
        case = hand_in(office, draft)["case_id"]
        office.act_signed_in(
            "approver", "govopen_review_decide", id=case, decision="return", reason="名称不规范"
        )
        again = office.act("officer", "govopen_register_draft_show", id=draft["id"])
        assert again["state"] == "editing"
        code = again["items"][0]["entry_code"]
        edit(office, again, change("add", code, power(office, "退回后改正")))
        office.approve(hand_in(office, draft)["case_id"])
        shown = listed(office, draft["register_id"])[code]
        assert (shown["change"], shown["fields"]["name"]) == ("add", "退回后改正")


def test_a_notice_says_what_was_and_what_is_with_number_and_working_days(office: Office) -> None:
    register, (code,) = added(office, "公告事项", approved_on=-9)
    adjust(
        office,
        change("change", code, power(office, "公告事项（新）")),
        approved_on=-40,
        effective_on=-8,
        prose="依据新的条例调整名称。",
    )
    with office.application.test_request_context("/"):
        notices = tk.get_action("govopen_register_notice_list")({}, {"register": register})
        number = notices["items"][0]["number"]
        shown = tk.get_action("govopen_register_notice_show")(
            {}, {"register": register, "number": number}
        )
    assert shown["items"][0]["changed"] == {"name": ["公告事项", "公告事项（新）"]}
    assert shown["counts"] == {"change": 1}
    assert shown["prose"] == "依据新的条例调整名称。"
    assert shown["notice_no"].startswith(office.days_ahead(0)[:4])
    assert shown["term"]["from_on"] == office.days_ahead(-40)
    assert shown["term"]["is_late"] is True
    assert notices["items"][1]["term"]["is_late"] is False


def test_the_lists_of_a_unit_are_paged(office: Office) -> None:
    added(office, "分页事项")
    adjust(office, change("add", None, duty(office, "分页责任")), kind="responsibility_list")
    asked: dict[str, Any] = {"unit": office.unit_id, "limit": 1, "include_total": True}
    kinds: list[str] = []
    with office.application.test_request_context("/"):
        while asked.get("cursor", "") is not None:
            found = tk.get_action("govopen_register_list")({}, dict(asked))
            assert len(found["items"]) == 1
            kinds.append(found["items"][0]["register_type"])
            asked["cursor"] = found["next_cursor"]
    assert kinds == sorted(set(kinds))
    assert {"data_inventory", "power_list", "responsibility_list"} <= set(kinds)
    assert found["total"] == len(kinds)


def test_who_leaves_a_list_on_a_day_is_drafted_to_leave_it_once(office: Office) -> None:
    today = clock.today()
    days = {"due": today, "later": today + timedelta(days=1), "open": None}
    entries = {name: credit(f"{name}{office.mark}", day) for name, day in days.items()}
    adjust(office, *(change("add", None, fields) for fields in entries.values()),
           kind="blackwhite_list")  # fmt: skip
    assert draft_exits(office) == 1
    drafts = office.act("officer", "govopen_register_draft_list", unit=office.unit_id)["items"]
    (draft,) = (one for one in drafts if one["state"] == "editing" and "退出日期" in one["reason"])
    shown = office.act("officer", "govopen_register_draft_show", id=draft["id"])
    assert [(one["kind"], one["name"]) for one in shown["items"]] == [
        ("cancel", f"due{office.mark}")
    ]
    assert draft_exits(office) == 0, "what waits in a draft is not drafted again"


def credit(name: str, leaves: date | None) -> dict[str, Any]:
    basis = [{"title": "企业信息公示暂行条例", "article": "第十七条"}]
    return {
        "name": name, "list_kind": "black", "is_person": False, "fact": "拒不履行责令改正决定", "listed_on": "2026-01-05",
        "legal_basis": basis, **({"exit_on": leaves.isoformat()} if leaves else {}),
    }  # fmt: skip


def draft_exits(office: Office) -> int:
    """How many entries of the office's lists are drafted to leave."""
    with office.application.test_request_context("/"):
        leaving = register_exits.draft_exits(model.Session)
        model.repo.commit()
    return leaving


def test_a_look_without_adjustment_is_recorded_and_makes_a_list_fresh(office: Office) -> None:
    register, _ = added(office, "久未核对")
    later = date.fromisoformat(office.days_ahead(5))
    with office.application.test_request_context("/"):
        before = store.freshness(model.Session, register, later)
    assert before["stale"] > 0
    made = office.act(
        "officer", "govopen_register_look_create", id=register, note="逐条核对，无须调整"
    )
    with office.application.test_request_context("/"):
        shown = tk.get_action("govopen_register_show")({}, {"id": register})
        after = store.freshness(model.Session, register, date.fromisoformat(made["reviewed_on"]))
    assert (shown["looked_on"], shown["stale"]) == (made["reviewed_on"], 0)
    assert after["stale"] == 0


@pytest.mark.parametrize("person", ["stranger"])
def test_who_keeps_no_list_of_the_unit_finds_no_draft(office: Office, person: str) -> None:
    draft = begin(office)
    with pytest.raises(tk.ObjectNotFound):
        office.act(person, "govopen_register_draft_show", id=draft["id"])
    with pytest.raises(tk.NotAuthorized):
        office.act(
            person,
            "govopen_register_draft_create",
            register_type="power_list",
            unit=office.unit_id,
        )


class TestNegativeList:
    """A unit holds back what is its own: what is another's reads like what is not there."""

    @staticmethod
    def covering(*targets: tuple[str, str]) -> dict[str, Any]:
        return {
            "name": f"停车记录{targets!r}"[:60],
            "circumstance": "停车记录可识别到个人",
            "grounds": ["g15_privacy"],
            "legal_basis": [{"title": "政府信息公开条例", "article": "第十五条"}],
            "targets": [{"type": kind, "code": code} for kind, code in targets],
        }

    @pytest.mark.parametrize("kind", ["data_inventory", "disclosure_standard"])
    def test_what_the_unit_does_not_have_is_refused_on_its_row(
        self, office: Office, other: Office, kind: str
    ) -> None:
        own, foreign = office.entry_codes[0], other.entry_codes[0]
        codes = [foreign, "990100-9999999", own if kind != "data_inventory" else "310099/1"]
        fields = self.covering(("data_inventory", own), *((kind, code) for code in codes))
        draft = edit(office, begin(office, "disclosure_negative_list"), change("add", None, fields))
        entry = draft["items"][0]["entry_code"]
        told = [one for one in draft["findings"] if one["code"] == "registers.E44"]
        assert {(one["entry_code"], one["is_refusal"]) for one in told} == {(entry, True)}
        assert all(any(f"“{code}”" in str(one) for one in told) for code in codes)
        refused = refusal(office, "govopen_register_draft_submit", id=draft["id"])
        assert list(refused) == ["targets"]
        assert all(code in str(refused) for code in codes)

    def test_many_rows_are_looked_up_by_one_query(self, office: Office) -> None:
        rows = [
            change("add", None, {**self.covering(("data_inventory", code)), "name": f"事项{at}"})
            for at, code in enumerate(office.add_entries(5))
        ]
        draft = edit(office, begin(office, "disclosure_negative_list"), *rows)
        asked: list[str] = []

        def note(_: object, __: object, statement: str, *more: object) -> None:
            asked.append(statement)

        engine = model.Session.get_bind()
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            shown = office.act("officer", "govopen_register_draft_show", id=draft["id"])
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        assert [one["code"] for one in shown["findings"] if one["is_refusal"]] == []
        assert sum("govopen_data_resource" in statement for statement in asked) == 1


@pytest.mark.parametrize("approved_on", [-12, None])
def test_the_form_of_the_approver_begins_with_the_day_that_the_draft_gives(
    office: Office, client: FlaskClient, approved_on: int | None
) -> None:
    facts = {} if approved_on is None else {"approved_on": approved_on}
    draft = begin(office, requested_on=-20, **facts)
    draft = edit(office, draft, change("add", None, power(office, f"批准日期事项{approved_on}")))
    case_id = hand_in(office, draft)["case_id"]
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = office.user_id("approver"), True
    page = client.get(f"/workbench/review/{case_id}").get_data(as_text=True)
    day = "" if approved_on is None else office.days_ahead(approved_on)
    assert f'name="approved_on" value="{day}"' in page
