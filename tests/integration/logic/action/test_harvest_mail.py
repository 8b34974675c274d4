"""The daily mail of the harvest: one a person, of the sources that they keep, and nothing without."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from mail_server import MailServer

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field

import ckan.model as model

from ckanext.govopen import clock
from ckanext.govopen.clock import SITE_ZONE
from ckanext.govopen.logic import harvest_mail


@pytest.fixture
def set_to(one: Field) -> Iterator[Callable[[datetime | None], None]]:
    def turn(moment: datetime | None) -> None:
        with one.application.test_request_context("/"):
            clock.set_to(moment)
            model.repo.commit()

    yield turn
    turn(None)


def sent(one: Field, server: MailServer) -> dict[str, str]:
    """What each person was told by a day's mail that is sent twice."""
    people = ("adder", "officer", "stranger")
    with one.application.test_request_context("/"):
        for person in people:
            one.office.user(person).email = f"{one.office.name(person)}@yz.example"
        model.repo.commit()
        del server.mails[:]
        harvest_mail.send(model.Session)
        harvest_mail.send(model.Session)
        model.Session.remove()
    found: dict[str, str] = {}
    for person in people:
        to = [mail for mail in server.mails if one.office.name(person) in str(mail["To"])]
        assert len(to) <= 1, "two mails on one day"
        for mail in to:
            found[person] = f"{mail['Subject']}\n{mail.get_content()}"
    return found


def test_who_keeps_sources_is_told_once_a_day_what_ran_and_what_waits(
    one: Field,
    mailbox: MailServer,
    set_to: Callable[[datetime | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harvest_mail, "SOURCES_SHOWN", 10_000)  # others' are in the stack too
    mine = {"unit": one.office.unit_id}
    set_to(datetime.now(timezone.utc) - timedelta(days=3))
    assert "officer" not in sent(one, mailbox), "nothing ran and nothing waits"
    set_to(None)
    rows = one.rows(6)
    rows[2] = (rows[2][0], "", *rows[2][2:])
    one.put("a.csv", rows)
    ran = one.approved(title=f"停车来源{one.mark}", schedule="daily", **mine)
    one.run(ran)
    lost = {"path": f"{one.folder.name}/none.csv"}
    failed = one.approved(title=f"失踪来源{one.mark}", settings=lost, **mine)
    assert one.run(failed)["state"] == "failed"
    settings = {"path": f"{one.folder.name}/a.csv"}
    elsewhere = one.approved(title=f"全市来源{one.mark}", settings=settings)
    one.run(elsewhere, dry_run=True)
    told = sent(one, mailbox)
    assert set(told) == {"adder", "officer"}
    assert f"停车来源{one.mark} · 测试局{one.office.mark}" in told["officer"]
    assert "所见 6 = 未变 0 + 新增 5 + 更新 0 + 拒收 1 + 冲突 0" in told["officer"]
    assert "待处理的拒收记录：1 条" in told["officer"]
    assert "下次归集：" in told["officer"]
    shown = one.show(one.act("adder", "govopen_harvest_source_show", id=failed["id"])["last_job"])
    assert shown["error"]["text"] in told["officer"]
    assert "归集：2 个来源，1 个异常，1 个待处理" in told["officer"]
    assert "建议撤回" not in told["officer"]
    assert rows[0][0] not in told["officer"], "a record left the site"
    assert f"全市来源{one.mark}" not in told["adder"], "a dry run is nothing to tell"
    assert f"失踪来源{one.mark}" in told["adder"]
    assert sent(one, mailbox) == {}, "the same day again"


def test_the_day_after_only_what_still_waits_is_told(
    one: Field,
    mailbox: MailServer,
    set_to: Callable[[datetime | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(harvest_mail, "SOURCES_SHOWN", 10_000)
    set_to(datetime.now(timezone.utc) + timedelta(days=2))
    one.put("b.csv", one.rows(3))
    settings = {"path": f"{one.folder.name}/b.csv", "key": "编号"}
    one.run(one.add(title=f"待批来源{one.mark}", settings=settings, unit=one.office.unit_id))
    proposal = {"name": f"p{one.mark}", "title": f"建议来源{one.mark}", "kind": "table",
                "unit": one.office.unit_id, "reason": "每月更新"}  # fmt: skip
    one.act("officer", "govopen_harvest_source_propose", **proposal)
    rows = [(f"c-{key}", f"共用{name}", *rest) for key, name, *rest in one.rows(2)]
    one.put("c.csv", rows)
    shared = one.approved(title=f"共用来源{one.mark}",
                          settings={"path": f"{one.folder.name}/c.csv", "key": "编号"})  # fmt: skip
    one.run(shared)
    one.sql("UPDATE govopen_data_resource SET status = 'active', active_seq = working_seq,"
            " active_fields = fields WHERE source_id = :id", id=shared["id"])  # fmt: skip
    one.put("c.csv", rows[1:])
    one.run(shared)
    told = sent(one, mailbox)
    assert f"共用来源{one.mark}\n建议撤回，待撤回或保留：1 条\n\n" in told["officer"], (
        "of a source of many units an officer is told what it proposes for theirs"
    )
    assert f"停车来源{one.mark}" in told["officer"], "its dead letter still waits"
    assert f"失踪来源{one.mark}" not in told["officer"]
    assert "有一次归集等待批准：首次归集" in told["officer"]
    assert f"建议来源{one.mark}" not in told["officer"]
    assert "建议的来源：等待公共数据主管部门处理" in told["adder"]


def test_a_day_is_one_of_asia_shanghai(
    one: Field, mailbox: MailServer, set_to: Callable[[datetime | None], None]
) -> None:
    midnight = datetime.now(SITE_ZONE).replace(hour=0, minute=0, second=0) + timedelta(days=9)
    for minutes, is_told in ((-2, True), (-1, False), (1, True)):
        set_to(midnight + timedelta(minutes=minutes))
        assert ("officer" in sent(one, mailbox)) is is_told, minutes
