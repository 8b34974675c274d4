"""Actions of rule packs: what the source texts ask, clause by clause. They start no duty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.domain.rule_bounds import Candidate, Event, event_of, same_events, strictest
from ckanext.govopen.domain.rules import Bound, Parameter, Rule, RulePack, Stretch, account
from ckanext.govopen.logic import rules
from ckanext.govopen.logic.errors import absent, no_unknown
from ckanext.govopen.logic.paging import part

__all__ = ["govopen_rule_pack_list", "govopen_rule_pack_show"]


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
