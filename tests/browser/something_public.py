"""Makes one unit with an inventory, a register version and a dataset, all public by review."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

UNIT = "云泽市停车管理中心"
ENTRIES = ("公共停车场基本信息", "路侧停车泊位", "充电桩分布")
ROLES = frozenset(
    {
        "reviewer",
        "secrecy_reviewer",
        "leader",
        "data_authority",
        "disclosure_office",
        "register_authority",
    }
)
ITEM = {
    "domain": "transport",
    "item_l1": "公共服务",
    "name": "停车场收费标准",
    "content_elements": "收费项目；收费标准；监督电话",
    "legal_basis": [
        {"kind": "admin_regulation", "title": "政府信息公开条例", "doc_no": "国务院令第711号"}
    ],
    "time_limit": "信息形成或者变更之日起20个工作日内",
    "bodies": [UNIT],
    "bodies_raw": UNIT,
    "channels": ["gov_website", "notice_board"],
    "audience": "public",
    "mode": "active",
    "levels": ["city", "county"],
    "five_open": ["service"],
    "evidence": [{"record": "register", "ref": "data_inventory"}],
}
HEADER = (
    "信息资源名称",
    "信息资源提供方",
    "信息资源摘要",
    "信息资源分类",
    "信息资源格式",
    "共享类型",
    "共享方式",
    "开放类型",
    "更新周期",
    "涉密属性",
    "数据级别",
    "数据领域",
    "计划开放日期",
    "信息项信息",
)


@cache
def _application(ini: Path) -> Any:
    """Return CKAN's application on the settings of the running stack."""
    from ckan.cli import CKANConfigLoader
    from ckan.config.middleware import make_app

    if os.geteuid() == 0:
        os.umask(0)  # the stack's own user goes on to write into folders that a test makes
    settings = CKANConfigLoader(str(ini)).get_config()
    # A bundle that the tests' user built could not be read by the stack's own.
    settings["ckan.webassets.path"] = str(ini.parent / "webassets-of-tests")
    return make_app(settings)._wsgi_app


@cache
def make(ini: Path) -> dict[str, str]:
    """Return the path of each kind of page: dataset, resource, unit, register, entry."""
    with _application(ini).test_request_context("/"):
        return _make()


def _make() -> dict[str, str]:
    import ckan.plugins.toolkit as tk

    officer = _user("officer")
    register = _inventory(officer)
    entry = _call("govopen_register_entry_list", officer, id=register["id"])["items"][0]
    dataset = _dataset(officer, register["unit_id"], entry)
    resource = dataset["resources"][0]["id"]
    unit = tk.get_action("organization_show")({"ignore_auth": True}, {"id": register["unit_id"]})
    page = f"/registers/{register['id']}"
    item = _standard(officer, register["unit_id"])
    return {
        "standard-items": f"/standards/{ITEM['domain']}?unit={register['unit_id']}",
        "standard-item": f"/standards/items/{item}?unit={register['unit_id']}",
        "dataset": f"/dataset/{dataset['name']}",
        "resource": f"/dataset/{dataset['name']}/resource/{resource}",
        "unit": f"/organization/{unit['name']}",
        "register": page,
        "diff": f"{page}/diff?from=2020-01-01",
        "entry": f"{page}/entries/{entry['entry_code']}",
        "notices": f"{page}/notices",
        "notice": f"{page}/notices/1",
        "verify": f"{page}/verify",
        "duty": f"/duties/{_duty(str(register['unit_id']))}",
    }


def _standard(officer: Any, unit_id: str) -> str:
    """Publish one item of the standard catalogue; return its code."""
    import ckan.model as model

    from ckanext.govopen import clock, config
    from ckanext.govopen.logic import registers, review
    from ckanext.govopen.model import registers as log

    kind, session = "disclosure_standard", model.Session
    register = log.ensure(session, kind, [unit_id], config.region_code())[unit_id]
    code = f"{ITEM['domain']}-01-{uuid4().int % 10**8:08}"
    act = registers.Act(officer.id, clock.now(), "云政办发〔2026〕12号", "年度目录编制")
    change = registers.EntryChange(code, "add", ITEM, effective_on=clock.today())
    registers.write(session, register, [change], act, kind)
    version = registers.stage_version(session, register, [code], act, clock.today())
    case_id = review.open_case(
        session,
        kind="register",
        title="标准目录",
        unit_ids=[unit_id],
        records=[("register_version", version)],
        actor=officer.id,
        reason=None,
    )
    _approve(officer, case_id)
    return code


def _duty(unit_id: str) -> str:
    """Return a duty of the unit that has been overdue since the day before."""
    import ckan.model as model

    from ckanext.govopen import clock
    from ckanext.govopen.logic import events
    from ckanext.govopen.model import duties

    event = events.raise_event(
        model.Session,
        "incident_found",
        unit_id=unit_id,
        occurred=clock.now() - timedelta(days=2),
        actor="test",
        record_type="typed",
        record_id=uuid4().hex,
    )
    duty = str(duties.of_event(model.Session, event)[0]["id"])
    model.repo.commit()
    return duty


def _user(role: str) -> Any:
    import ckan.model as model
    import ckan.plugins.toolkit as tk

    name = f"{role}-{uuid4().hex[:8]}"
    facts = {"name": name, "email": f"{name}@yz.example", "password": uuid4().hex}
    tk.get_action("user_create")({"ignore_auth": True, "user": ""}, facts)
    user = model.User.get(name)
    user.sysadmin = role == "officer"
    model.repo.commit()
    return user


def _call(action: str, user: Any, **parameters: Any) -> Any:
    import ckan.plugins.toolkit as tk

    return tk.get_action(action)({"user": user.name, "auth_user_obj": user}, parameters)


def _file(name: str, rows: list[Any]) -> Any:
    from werkzeug.datastructures import FileStorage

    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return FileStorage(io.BytesIO(out.getvalue().encode("utf-8-sig")), filename=name)


def _inventory(officer: Any) -> dict[str, Any]:
    rows: list[Any] = [HEADER]
    rows += [
        (
            name,
            UNIT,
            f"全市{name}的名称、地址与更新时间，供公众查询和企业应用。",
            "306001",
            "csv",
            "无条件共享",
            "文件下载",
            "无条件开放",
            "每月",
            "非涉密",
            "L1",
            "交通运输",
            "2030-12-01",
            "名称:C(100); 地址:C(200); 数量:I",
        )
        for name in ENTRIES
    ]
    done = _call(
        "govopen_inventory_import",
        officer,
        upload=_file("目录.csv", rows),
        create_units=True,
        basis="云政办发〔2026〕12号",
        reason="年度目录编制",
        accepted_only=True,
    )
    if done["case_id"]:
        _approve(officer, done["case_id"])
    found = _call("govopen_register_list", officer, register_type="data_inventory")["items"]
    register: dict[str, Any] = next(one for one in found if one["unit_name"] == UNIT)
    return register


def _dataset(officer: Any, unit_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    dataset: dict[str, Any] = _call(
        "package_create",
        officer,
        title=f"{entry['fields']['name']}（{uuid4().hex[:6]}）",  # several processes, one unit
        notes="全市公共停车场的名称、地址、泊位数和收费标准，每月更新，供公众查询和企业应用开发使用。",
        owner_org=unit_id,
        entry_codes=[entry["entry_code"]],
        data_domain="transport",
        open_type="unconditional",
        update_cycle="monthly",
        license_id="yz-odl-1.0",
        tags=[{"name": "停车"}],
        items=[{"name_zh": "名称", "name_en": "name", "data_type": "C", "length": "100"}],
        contact_name="信息科",
    )
    rows = [("名称", "地址", "泊位数")] + [
        (f"{n}号停车场", f"人民路{n}号", n * 7) for n in range(40)
    ]
    _call(
        "resource_create",
        officer,
        package_id=dataset["id"],
        name="停车场（2026年）",
        format="CSV",
        url="data.csv",
        upload=_file("data.csv", rows),
    )
    _submit_and_approve(officer, unit_id, dataset["id"])
    shown: dict[str, Any] = _call("package_show", officer, id=dataset["id"])
    return shown


def _submit_and_approve(officer: Any, unit_id: str, dataset_id: str) -> None:
    import ckan.model as model

    from ckanext.govopen.logic import review

    case_id = review.open_case(
        model.Session,
        kind="dataset",
        title="停车场",
        unit_ids=[unit_id],
        records=[("package", dataset_id)],
        actor=officer.id,
        reason=None,
    )
    _approve(officer, case_id)


def _approve(officer: Any, case_id: str) -> None:
    """The officer submits; two other people take turns until the case is published."""
    import ckan.model as model

    from ckanext.govopen.domain.review import Actor, Decision, Move
    from ckanext.govopen.logic import case_scan, checklist, review, search

    review.submit_case(model.Session, case_id, officer.id)
    model.repo.commit()
    case_scan.begin(model.Session, case_id)
    decision = Decision(Move.APPROVE, "同意", None, checklist.all_no())
    people = [_user("approver").id, _user("approver").id]
    for turn in range(len(ROLES)):
        person = people[turn % len(people)]
        said = review.decide(model.Session, case_id, Actor(person, ROLES), decision)
        model.repo.commit()
        if said["state"] == "published":
            break
    else:
        raise AssertionError(f"case {case_id} was not published: {said}")
    search.drain_all()


@cache
def person(ini: Path) -> tuple[str, str]:
    """Return name and password of somebody who may open every form."""
    with _application(ini).test_request_context("/"):
        import ckan.model as model

        user = _user("officer")
        password = uuid4().hex
        user.password = password
        model.repo.commit()
        return str(user.name), password


if __name__ == "__main__":
    sys.stdout.write(json.dumps(make(Path(sys.argv[1]))))
