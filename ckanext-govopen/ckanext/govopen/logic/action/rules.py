"""Actions of rule packs: what the source texts ask, clause by clause. They start no duty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain.rule_bounds import Candidate, Event, event_of, same_events, strictest
from ckanext.govopen.domain.rules import (
    Bound,
    Clause,
    Parameter,
    Rule,
    RulePack,
    Stretch,
    account,
    clauses,
)
from ckanext.govopen.logic import rules
from ckanext.govopen.logic.errors import absent, no_unknown
from ckanext.govopen.logic.paging import part
from ckanext.govopen.model import duty_pages as duty_store

__all__ = ["govopen_rule_clause_list", "govopen_rule_pack_list", "govopen_rule_pack_show"]

STANDS = ("units", "late", "open", "met")


@tk.side_effect_free
def govopen_rule_pack_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Rule packs with their source and the number of rules and of covered stretches.

    Args:
        limit, cursor: of the page; without `limit` all of them.
    """
    tk.check_access("govopen_rule_pack_list", context, data_dict)
    no_unknown(data_dict, "limit", "cursor")
    return part([_head(pack) for pack in rules.loaded().packs], data_dict)


def _head(pack: RulePack) -> dict[str, Any]:
    return {
        "id": pack.pack_id,
        "source": pack.source,
        "title": pack.title,
        "doc_no": pack.doc_no,
        "issuer": pack.issuer,
        "made_on": pack.made_on.isoformat(),
        "valid_from": pack.valid_from.isoformat(),
        "valid_to": pack.valid_to.isoformat() if pack.valid_to else None,
        "version": pack.version,
        "counts": asdict(account(pack)),
        "unset_words": [one.name for one in pack.unset_words()],
    }


@tk.side_effect_free
def govopen_rule_pack_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One pack: its rules with quote and clause, its parameters, and where each stretch went.

    Args:
        id: the pack, e.g. `beijing-2016`.

    Returns:
        `{…, rules, parameters, covered, non_operative}`. A rule has its `bound` with the number
        that holds, `quote_verified`, and `stricter`: rules of other packs that bind the same
        subject by the same event more strictly.
    """
    tk.check_access("govopen_rule_pack_show", context, data_dict)
    no_unknown(data_dict, "id")
    here = rules.loaded()
    pack = here.pack(str(data_dict.get("id") or ""))
    if pack is None:
        absent()
    together = {event: strictest(found) for event, found in same_events(here.packs).items()}
    return {
        **_head(pack),
        "seed_sha256": pack.seed_sha256,
        "subjects": list(pack.subjects),
        "parameters": [_parameter(one) for one in pack.parameters.values()],
        "rules": [_rule(pack, rule, together) for rule in pack.rules],
        "covered": [_stretch(one) for one in pack.covered],
        "non_operative": [{"from": one.start, "to": one.end} for one in pack.non_operative],
    }


@tk.side_effect_free
def govopen_rule_clause_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """The ledger of a text: its clauses in their order, each with where the units stand.

    Args:
        id: the pack.

    Returns:
        `{as_of, items}`; an item has its `clause`, its `rules` (`{id, quote, kind, subject,
        responsible, phase}`), `elsewhere` (`{record | page | outside}` where no rule states it),
        and how many `units` it asks something of by a day: those that are `late` with some of it,
        those that have some before them (`open`), those that have `met` all that was due. Without
        a term, quota or slot nobody is late, and `units` is 0.
    """
    tk.check_access("govopen_rule_clause_list", context, data_dict)
    no_unknown(data_dict, "id")
    pack, now = rules.loaded().pack(str(data_dict.get("id") or "")), clock.now()
    if pack is None:
        absent()
    listed = clauses(pack)
    asked = [(one.number, rule.rule_id) for one in listed for rule in one.rules]
    found = duty_store.by_clause(model.Session, now, asked)
    stand = {row["clause"]: {name: int(row[name]) for name in STANDS} for row in found}
    none = dict.fromkeys(STANDS, 0)
    return {
        "as_of": now.astimezone(clock.SITE_ZONE).isoformat(),
        "items": [{**_clause(one), **stand.get(one.number, none)} for one in listed],
    }


def _clause(one: Clause) -> dict[str, Any]:
    names = ("quote", "kind", "subject", "responsible", "phase")
    return {
        "clause": one.number,
        "rules": [
            {"id": rule.rule_id, **{name: getattr(rule, name) for name in names}}
            for rule in one.rules
        ],
        "elsewhere": [{kind: target} for kind, target in one.elsewhere],
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    return {**asdict(one), "elements": list(one.elements)}


def _rule(
    pack: RulePack, rule: Rule, together: Mapping[Event, Sequence[Candidate]]
) -> dict[str, Any]:
    bound = pack.bound_of(rule)
    winners = [one.rule.rule_id for one in together.get(event_of(rule), ())]
    return {
        "id": rule.rule_id,
        "capability": rule.capability,
        "clause": rule.clause,
        "quote": rule.quote,
        "quote_verified": rule.quote_verified,
        "subject": rule.subject,
        "kind": rule.kind,
        "trigger": rule.trigger,
        "bound": _bound(pack, rule, bound) if bound else None,
        "evidence": asdict(rule.evidence),
        "exemption": list(rule.exemption),
        "phase": rule.phase,
        "responsible": rule.responsible,
        "public": rule.public,
        "stricter": [] if rule.rule_id in winners else winners,
    }


def _bound(pack: RulePack, rule: Rule, bound: Bound) -> dict[str, Any]:
    said = pack.parameters.get(bound.parameter or "")
    return {
        **asdict(bound),
        "elements": list(pack.elements_of(rule)),
        "word": said.word if said else None,
    }


def _stretch(one: Stretch) -> dict[str, Any]:
    return {"from": one.start, "to": one.end, "clause": one.clause, one.kind: one.target}
