"""Pages of rule packs: the list, and one pack with its quoted clauses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

import ckan.plugins.toolkit as tk

from ckanext.govopen.views import helpers, tables

__all__ = ["rules"]

rules = Blueprint("govopen_rules", __name__)

KIND = "<any(csv,xlsx,json):kind>"
LIST_COLUMNS = ("id", "title", "doc_no", "issuer", "made_on", "rules")
SHOW, LEDGER = "govopen_rule_pack_show", "govopen_rule_clause_list"
LEDGER_COLUMNS = (
    "clause", "rules", "quote", "subject", "responsible", "phase", "elsewhere",
    "units", "late", "open", "met",
)  # fmt: skip
DESTINATIONS = ("rule", "record", "page", "outside")


def _call(action: str, **parameters: object) -> Any:
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    return tk.get_action(action)(context, parameters)


def _of_pack(action: str, pack_id: str) -> dict[str, Any]:
    """What an action says of a pack; a name that never existed answers 404."""
    found: dict[str, Any]
    try:
        found = _call(action, id=pack_id)
    except tk.ObjectNotFound:
        tk.abort(404)
    return found


def _address(action: str, pack_id: str) -> str:
    return f"/api/3/action/{action}?id={pack_id}"


@rules.get("/rules")
def index() -> str:
    """Every rule pack."""
    return str(tk.render("govopen/rules/index.html", {"items": _items()}))


def _items() -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = _call("govopen_rule_pack_list")["items"]
    return items


@rules.get(f"/rules.{KIND}")
def index_file(kind: str) -> Response:
    """The packs as a file."""
    columns = [(name, name) for name in LIST_COLUMNS]
    rows = [{**one, "rules": one["counts"]["rules"]} for one in _items()]
    return tables.respond(kind, "rules", columns, rows, "/api/3/action/govopen_rule_pack_list")


@rules.get("/rules/<pack_id>")
def show(pack_id: str) -> str:
    """One pack: each rule with its clause and quote, and where every stretch went."""
    pack = _of_pack(SHOW, pack_id)
    shown = [{**rule, "said": bound_text(rule["bound"])} for rule in pack["rules"]]
    values = {
        "pack": pack,
        "rules": shown,
        "standings": _standings(pack_id),
        "elsewhere": _elsewhere(pack["covered"]),
        "words": [one for one in pack["parameters"] if one["word"]],
        "api_url": _address(SHOW, pack_id),
    }
    return str(tk.render("govopen/rules/show.html", values))


def _standings(pack_id: str) -> dict[str, dict[str, int]]:
    """How the duties of each rule of a pack stand, over all units, by their states."""
    found = _call("govopen_duty_matrix", pack=pack_id, limit=1)["rules"]
    return {
        one["id"]: {
            "overdue": one["counts"]["overdue"],
            "running": one["counts"]["running"] + one["counts"]["amber"],
            "met": one["counts"]["met"],
            "late_met": one["counts"]["late_met"],
        }
        for one in found
    }


@rules.get("/rules/<pack_id>/clauses")
def ledger(pack_id: str) -> str:
    """The clauses of a text in their order, with how many units have met each and are late."""
    values = {
        "pack": _of_pack(SHOW, pack_id),
        "found": _of_pack(LEDGER, pack_id),
        "api_url": _address(LEDGER, pack_id),
    }
    return str(tk.render("govopen/rules/clauses.html", values))


@rules.get(f"/rules/<pack_id>/clauses.{KIND}")
def ledger_file(pack_id: str, kind: str) -> Response:
    """The same clauses as a file."""
    columns = [(name, name) for name in LEDGER_COLUMNS]
    rows = [_ledger_row(one) for one in _of_pack(LEDGER, pack_id)["items"]]
    api = _address(LEDGER, pack_id)
    return tables.respond(kind, f"clauses-{pack_id}", columns, rows, api)


def _ledger_row(one: Mapping[str, Any]) -> dict[str, Any]:
    said = {
        name: "; ".join(dict.fromkeys(str(rule[name]) for rule in one["rules"] if rule[name]))
        for name in ("id", "quote", "subject", "responsible", "phase")
    }
    went = [f"{kind}: {target}" for each in one["elsewhere"] for kind, target in each.items()]
    return {**one, **said, "rules": said["id"], "elsewhere": "; ".join(went)}


def _elsewhere(covered: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Clauses that no rule states: the record, page or reason instead, each once."""
    found = {
        (one["clause"], kind, one[kind]): None
        for one in covered
        for kind in DESTINATIONS[1:]
        if kind in one
    }
    return [{"clause": clause, "kind": kind, "target": target} for clause, kind, target in found]


def bound_text(bound: Mapping[str, Any] | None) -> str:
    """A bound in words: 10 working days, 2 each quarter, its elements, or the word of the text."""
    if not bound:
        return ""
    if bound["elements"]:
        return "、".join(bound["elements"])
    if bound["amount"] is None:
        return tk._("{word}: no number set").format(word=bound["word"])
    unit = helpers.term("rule_unit", bound["unit"])
    least = tk._("at least {bound}") if bound["least"] else "{bound}"
    if bound["unit"].startswith("per_"):
        return tk._("{amount} or more, {unit}").format(amount=bound["amount"], unit=unit)
    return least.format(bound=f"{bound['amount']} {unit}".strip())


@rules.get(f"/rules/<pack_id>.{KIND}")
def show_file(pack_id: str, kind: str) -> Response:
    """The rules of a pack as a file."""
    pack = _of_pack(SHOW, pack_id)
    names = ("id", "capability", "clause", "quote", "quote_verified", "subject", "kind", "trigger")
    columns = [(name, name) for name in (*names, "bound", "evidence", "responsible")]
    api = _address(SHOW, pack_id)
    if kind == "json":
        return tables.respond(kind, pack_id, columns, pack["rules"], api)
    rows = (
        {
            **rule,
            "bound": bound_text(rule["bound"]),
            "evidence": f"{rule['evidence']['record']}: {rule['evidence']['condition']}",
        }
        for rule in pack["rules"]
    )
    return tables.respond(kind, f"rules-{pack_id}", columns, rows, api)
