"""Entries of the lists beside the powers: services, fees, rules, decisions, what stays closed …

Some belong to an object of a unit, some to the unit as a whole, some to one office of the city.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import Any

from ckanext.govopen.cli.city.inventory import Resource
from ckanext.govopen.cli.city.powers import (
    KINDS,
    Entry,
    Topic,
    basis_of,
    topics_of,
    unit_name,
)
from ckanext.govopen.cli.city.units import Unit, uscc
from ckanext.govopen.cli.city.wording import dice, names, pick, wording

DISCLOSURE_LAW = {"kind": "admin_regulation", "title": "中华人民共和国政府信息公开条例"}
# Units that list services of their own; what the others offer their superior lists.
SERVING = (*KINDS, "public_utility")
# Lists of one office of the city: who keeps them, the first one that the city has.
KEEPERS = {
    "access_restriction_list": ("sfzggw", "szfbgs"),
    "blackwhite_list": ("srsj", "sjtysj"),
    "major_decision_list": ("szfbgs",),
    "qualification_list": ("srsj", "szjj"),
    "internal_rule_list": ("szfbgs", "sshujj"),
    "participation_list": ("szfbgs",),
    "site_column_list": ("szfbgs",),
}
_GROUND_LAW = {"g14": "第十四条", "g15": "第十五条", "g16": "第十六条"}


def build_of_unit(
    unit: Unit, number: int, powers: Sequence[Entry], seed: int, size: str
) -> Iterator[Entry]:
    """Services, licences, fees and what hangs on them, for one unit."""
    for topic in topics_of(unit, size):
        rng = dice(seed, "service", unit.key, topic.number)
        if unit.kind in SERVING and (topic.group == "L" or rng.random() < 0.75):
            yield _entry(
                "public_service_list", "YZFW", unit, number, topic, service_of(unit, topic)
            )
    licences = [one for one in powers if one.fields["power_type"] == "license"]
    mains = [one for one in licences if "parent_code" not in one.fields]
    for at, power in enumerate(mains, start=1):
        yield from _of_licence(unit, number, at, power, dice(seed, "licence", power.code))


def _entry(
    register_type: str,
    prefix: str,
    unit: Unit,
    number: int,
    topic: Topic,
    fields: Mapping[str, Any],
) -> Entry:
    code = f"{prefix}-{number:03d}{topic.number:03d}"
    return Entry(register_type, code, unit.key, fields, topic, "service")


def _guide(unit: Unit, name: str, rng: Random) -> dict[str, Any]:
    """办事指南: what a service tells whoever comes."""
    data = wording("lists")["service"]
    legal = pick(rng, (10, 15, 20, 30))
    columns = ("name", "form", "source")
    return {
        "accepting_unit": unit_name(unit),
        "applicant_type": ["individual", "legal_person"],
        "conditions": pick(rng, data["conditions"]).format(o=name),
        "process": data["process"],
        "materials": [
            {**dict(zip(columns, row, strict=True)), "count": 1}
            for row in data["materials"][: 2 + int(rng.random() * 3)]
        ],
        "fee_standard": "不收费",
        "legal_days": legal,
        "promised_days": max(1, legal // pick(rng, (2, 3, 5))),
        "case_type": "promised",
        "onsite_visits": int(rng.random() * 2),
        "place_and_hours": data["hours"].format(s=unit.short_name),
        "consult_phone": unit.phone,
        "supervise_phone": "0990-12345",
        "remedy": data["remedy"],
    }


def service_of(unit: Unit, topic: Topic) -> dict[str, Any]:
    data, rng = wording("lists")["service"], dice("guide", unit.key, topic.number)
    name = data["names"][topic.group].format(o=topic.name)
    return {
        **_guide(unit, topic.name, rng),
        "name": name,
        "service_type": data["types"][topic.group],
        "providing_body": unit_name(unit),
        "level": ["city"],
        "legal_basis": basis_of(topic.name, "service", 0, name),
    }


def _of_licence(unit: Unit, number: int, at: int, power: Entry, rng: Random) -> Iterator[Entry]:
    """The licence as an item of its own, its fee and where it is paid, what it presupposes."""
    topic, name = power.about, str(power.fields["name"])
    code = f"{number:03d}{at:03d}"
    licence = {
        **_guide(unit, name, rng),
        "name": name,
        "sub_items": [f"{name}（首次）", f"{name}（变更）", f"{name}（延续）"],
        "competent_dept": unit_name(unit),
        "implementing_body": unit_name(unit),
        "legal_basis": power.fields["legal_basis"],
        "spec_url": f"https://zwfw.yunze.example/{unit.slug}/spec/{code}",
    }
    yield Entry("licensing_list", f"YZXK-{code}", unit.key, licence, topic, "service")
    if at == 1 or rng.random() < 0.5:
        yield from _fees(unit, code, power, topic, rng)
    if at == 1 or rng.random() < 0.3:
        fields = _intermediary(unit, name, f"YZXK-{code}", power, rng)
        yield Entry("intermediary_list", f"YZZJ-{code}", unit.key, fields, topic, "service")


def _fees(unit: Unit, code: str, power: Entry, topic: Topic, rng: Random) -> Iterator[Entry]:
    data = wording("lists")
    kind, name, level, fund, standard = pick(rng, data["fees"])
    fee = {
        "fee_kind": kind,
        "dept": unit_name(unit),
        "name": name.format(o=topic.name),
        "setup_level": level,
        "fund_mgmt": fund,
        "standard": standard,
        "scope": f"{topic.name}办理环节",
        "payer": f"申请办理{topic.name}的单位和个人",
        "for_enterprise": rng.random() < 0.7,
        "legal_basis": [{"kind": "normative_doc", "title": f"云泽市{topic.name}收费管理规定"}],
    }
    yield Entry("fee_list", f"YZSF-{code}", unit.key, fee, topic, "service")
    site = {
        "site": pick(rng, data["sites"]),
        "body": unit_name(unit),
        "name": fee["name"],
        "fee_ref": f"YZSF-{code}",
        "scope": fee["scope"],
        "standard": standard,
        "payer": fee["payer"],
        "legal_basis": fee["legal_basis"],
        "supervise_phone": "0990-12358",
    }
    yield Entry("fee_site_list", f"YZCS-{code}", unit.key, site, topic, "service")


def _intermediary(
    unit: Unit, licence: str, licence_code: str, power: Entry, rng: Random
) -> dict[str, Any]:
    data = wording("lists")["intermediary"]
    draw = rng.random()
    handling = "retained" if draw < 0.7 else "cleaned" if draw < 0.9 else "entrusted_by_body"
    return {
        "name": pick(rng, data["names"]).format(o=licence),
        "approval_item": licence,
        "licence_ref": licence_code,
        "approval_dept": unit_name(unit),
        "provider": pick(rng, data["providers"]),
        "provider_nature": pick(rng, data["natures"]),
        "time_limit": pick(rng, data["limits"]),
        "fee": "市场调节价",
        "handling": handling,
        "legal_basis": power.fields["legal_basis"],
    }


# --- of a unit as a whole -------------------------------------------------------------------------


def build_closed(unit: Unit, number: int, rows: Sequence[Resource], on: date) -> Iterator[Entry]:
    """政务公开负面清单: what the unit withholds, an entry for each ground of its inventory.

    Args:
        rows: those that are withheld and shown, of the unit itself.
        on: the day of the list.
    """
    held: dict[str, list[Resource]] = {}
    for row in rows:
        held.setdefault(str(row.withheld_ground), []).append(row)
    for at, (ground, found) in enumerate(sorted(held.items()), start=1):
        name, circumstance = wording("lists")["negative"][ground]
        law = {**DISCLOSURE_LAW, "article": _GROUND_LAW[ground[:3]]}
        fields = {
            "category": unit.short_name,
            "name": f"{unit.short_name}{name}",
            "circumstance": circumstance,
            "legal_basis": [law],
            "grounds": [ground],
            "targets": [{"type": "data_inventory", "code": row.res_code} for row in found],
            "review_due": (on + timedelta(days=730)).isoformat(),
        }
        yield Entry("disclosure_negative_list", f"YZFM-{number:03d}{at:03d}", unit.key, fields)


def build_basic(unit: Unit, number: int) -> Iterator[Entry]:
    """主动公开基本目录 of a unit."""
    data = wording("lists")
    for at, (area, name, content, limit) in enumerate(data["basic"], start=1):
        fields = {
            "key_area": area,
            "name": name,
            "subject": unit_name(unit),
            "content": content,
            "time_limit": limit,
            "mode": data["basic_mode"],
            "legal_basis": [{**DISCLOSURE_LAW, "article": "第二十条"}],
        }
        yield Entry("basic_disclosure_catalogue", f"YZJB-{number:03d}{at:03d}", unit.key, fields)


def build_special(unit: Unit, number: int) -> Iterator[Entry]:
    """重点领域专项责任清单 of a unit: one or two of the city's key fields."""
    rows: Sequence[Sequence[str]] = wording("lists")["special_duties"]
    for at in (1, 2):
        domain, name, duty = rows[(number + at * 3) % len(rows)]
        fields = {
            "domain": domain,
            "name": name,
            "duty": duty,
            "responsible_unit": unit_name(unit),
            "responsible_office": pick(dice("office", unit.key, at), names()["offices"]),
            "legal_basis": [{"kind": "policy", "title": f"云泽市{domain}责任制实施办法"}],
        }
        yield Entry("special_duty_list", f"YZZX-{number:03d}{at:03d}", unit.key, fields)


# --- of one office of the city --------------------------------------------------------------------


def build_of_city(units: Mapping[str, Unit], seed: int, today: date) -> Iterator[Entry]:
    """Lists that one office keeps for the whole city."""
    for register_type, candidates in KEEPERS.items():
        keeper = next((units[key] for key in candidates if key in units), None)
        if keeper is None:
            continue
        for at, fields in enumerate(_CITY[register_type](keeper, units, seed, today), start=1):
            code = f"{_CITY_CODES[register_type]}-{at:04d}"
            yield Entry(register_type, code, keeper.key, fields)


_CITY_CODES = {
    "access_restriction_list": "YZJX",
    "blackwhite_list": "YZHH",
    "major_decision_list": "YZJC",
    "qualification_list": "YZZG",
    "internal_rule_list": "YZZD",
    "participation_list": "YZCY",
    "site_column_list": "YZLM",
}
_Made = Iterator[dict[str, Any]]


def _restrictions(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    for industry, name, kind, area, measure in wording("lists")["restrictions"]:
        yield {
            "industry_code": industry,
            "name": name,
            "restriction": kind,
            "area": area,
            "measure": measure,
            "competent_dept": unit_name(keeper),
            "legal_basis": [{"kind": "policy", "title": "云泽市新增产业禁止和限制目录"}],
        }


def _credit(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    places = names()
    for number, (kind, name, fact) in enumerate(wording("lists")["credit"] * 3):
        rng = dice(seed, "credit", number)
        firm, trade = pick(rng, places["firms"]), pick(rng, places["trades"])
        listed = today - timedelta(days=40 + int(rng.random() * 500))
        yield {
            "list_kind": kind,
            "name": f"云泽{firm}{trade}{pick(rng, places['companies'])}",
            "uscc": uscc("91", f"MA3C{1000 + number}"),
            "is_person": False,
            "fact": f"{name}：{fact}",
            "listed_on": listed.isoformat(),
            "period_months": 12 if kind == "red" else 36,
            "legal_basis": [{"kind": "policy", "title": "云泽市公共信用信息管理办法"}],
        }


def _decisions(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    data = wording("lists")
    for number, (name, body) in enumerate(data["decisions"]):
        rng = dice(seed, "decision", name)
        if body in units:
            yield {
                "name": name,
                "drafting_body": unit_name(units[body]),
                "plan_year": today.year - number % 3,
                "plan_quarter": pick(rng, ("q2", "q3", "q4")),
                "procedures_required": data["procedures"][int(rng.random() * 2) :],
            }


def _qualifications(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    for name, kind, exam, action in wording("lists")["qualifications"]:
        yield {
            "name": name,
            "kind": kind,
            "issuing_body": unit_name(keeper),
            "exam_org": exam,
            "action": action,
            "legal_basis": [{"kind": "normative_doc", "title": "云泽市职业资格目录管理规定"}],
        }


def _rules(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    for number, (kind, name, result) in enumerate(wording("lists")["rules"], start=1):
        yield {
            "name": f"云泽市{name}",
            "kind": kind,
            "doc_no": f"云政办发〔{2019 + number % 5}〕{10 + number}号",
            "made_on": date(2019 + number % 5, 1 + number % 12, 12).isoformat(),
            "last_reviewed": (today - timedelta(days=60 + 30 * number)).isoformat(),
            "review_result": result,
        }


def _participation(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    for field, name, ways, people in wording("lists")["participation"]:
        yield {
            "level": ["city"],
            "field": field,
            "name": name,
            "ways": ways,
            "organiser": unit_name(keeper),
            "participants": people,
        }


def _columns(keeper: Unit, units: Mapping[str, Unit], seed: int, today: date) -> _Made:
    for number, (name, domain, behind) in enumerate(wording("lists")["columns"], start=1):
        yield {
            "site": "云泽市人民政府门户网站",
            "name": name,
            "url": f"https://www.yunze.example/zwgk/{number:02d}/",
            "responsible_unit": unit_name(keeper),
            "domain": domain,
            "last_update": (today - timedelta(days=behind)).isoformat(),
        }


_CITY: Mapping[str, Callable[[Unit, Mapping[str, Unit], int, date], _Made]] = {
    "access_restriction_list": _restrictions,
    "blackwhite_list": _credit,
    "major_decision_list": _decisions,
    "qualification_list": _qualifications,
    "internal_rule_list": _rules,
    "participation_list": _participation,
    "site_column_list": _columns,
}
