"""Checks of rule packs: each is a claim about a pack, and a `Finding` where it does not hold.

Two groups: what a pack says by itself (`check_packs`), and what it says of its source text
(`check_text`), which is not shipped and is compared wherever it is at hand.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.rules import Bound, Rule, RulePack, gaps

# What no clause goes beyond: the end of a line, or of a sentence with more behind it.
_END_OF_CLAUSE = re.compile(r"\n|[。；;！][”』]?(?=.)")
# Kinds whose rules must say how much.
_BOUNDED = frozenset({"clock", "quota", "slot", "element_set"})
# Kinds whose bound may be a set of elements.
_ASKING_ELEMENTS = frozenset({"element_set", "gate"})


@dataclass(frozen=True)
class Words:
    """The codes that rules may use.

    Args:
        capabilities: ids of the capabilities.
        kinds_of_unit: the kinds of rule that each unit fits.
        vocabularies: the codes of the other vocabularies, by name.
    """

    capabilities: Collection[str]
    kinds_of_unit: Mapping[str, Collection[str]]
    vocabularies: Mapping[str, Collection[str]]

    def knows(self, vocabulary: str, code: str) -> bool:
        return code in self.vocabularies[vocabulary]


def check_packs(packs: Sequence[RulePack], words: Words) -> list[Finding]:
    """What is wrong in packs that a city loads together."""
    ids = Counter(rule.rule_id for pack in packs for rule in pack.rules)
    found = [Finding("rules.E5", "rule_id", name) for name, times in ids.items() if times > 1]
    for pack in packs:
        for rule in pack.rules:
            found += _rule(pack, rule, words)
        found += _destinations(pack, words)
        found += _unmapped(pack, None)
        found += [
            Finding("rules.W1", one.name, one.word, {"pack": pack.pack_id})
            for one in pack.unset_words()
        ]
    return found


def _rule(pack: RulePack, rule: Rule, words: Words) -> Iterator[Finding]:
    facts = {"rule": rule.rule_id}
    if rule.capability not in words.capabilities:
        yield Finding("rules.E2", "capability", rule.capability, facts)
    if not words.knows("rule_record", rule.evidence.record):
        yield Finding("rules.E4", "evidence", rule.evidence.record, facts)
    used = [
        ("rule_kind", rule.kind),
        ("rule_trigger", rule.trigger),
        ("rule_subject", rule.subject),
        ("rule_condition", rule.evidence.condition),
        *(("rule_exemption", code) for code in rule.exemption),
    ]
    for name, code in used:
        if not words.knows(name, code):
            yield Finding("rules.E7", name, code, facts)
    yield from _bound(pack, rule, words)
    if not rule.quote_verified:
        yield Finding("rules.W2", "quote", rule.quote, facts)


def _bound(pack: RulePack, rule: Rule, words: Words) -> Iterator[Finding]:
    facts = {"rule": rule.rule_id}
    if rule.bound is None:
        if rule.kind in _BOUNDED:
            yield Finding("rules.E3", "bound", "", {**facts, "kind": rule.kind})
        return
    name = rule.bound.parameter
    if name is not None and name not in pack.parameters:
        yield Finding("rules.E9", "bound", name, facts)
        return
    elements = pack.elements_of(rule)
    if elements or rule.kind == "element_set" or rule.kind not in _BOUNDED:
        if not elements or rule.kind not in _ASKING_ELEMENTS:
            yield Finding(
                "rules.E3", "bound", name or rule.bound.unit, {**facts, "kind": rule.kind}
            )
        return
    if name is not None and pack.parameters[name].word and pack.parameters[name].amount is None:
        return  # nobody has set it yet: rules.W1 says so
    bound = pack.bound_of(rule) or rule.bound
    if rule.kind not in words.kinds_of_unit.get(bound.unit or "", ()):
        yield Finding("rules.E3", "bound", bound.unit or "", {**facts, "kind": rule.kind})
    elif not _is_amount(bound):
        yield Finding("rules.E8", "bound", str(bound.amount), facts)


def _is_amount(bound: Bound) -> bool:
    """True for a number above 0, or a day where the unit is one."""
    if bound.unit not in ("date", "yearly_date"):
        return isinstance(bound.amount, int) and bound.amount > 0
    written = str(bound.amount) if bound.unit == "date" else f"2000-{bound.amount}"
    try:
        return date.fromisoformat(written).isoformat() == written
    except ValueError:
        return False


def _destinations(pack: RulePack, words: Words) -> Iterator[Finding]:
    """A covered stretch goes to something that there is."""
    ids = {rule.rule_id for rule in pack.rules}
    for one in pack.covered:
        facts = {"pack": pack.pack_id, "from": one.start, "to": one.end}
        if one.kind == "rule":
            if one.target not in ids:
                yield Finding("rules.E9", "covered", one.target, {**facts, "rule": pack.pack_id})
        elif not words.knows(f"rule_{one.kind}", one.target):
            yield Finding("rules.E7", f"rule_{one.kind}", one.target, {"rule": pack.pack_id})


def _unmapped(pack: RulePack, length: int | None) -> Iterator[Finding]:
    for gap in gaps(pack, length):
        facts = {"pack": pack.pack_id, "from": gap.start, "to": gap.end}
        yield Finding("rules.E6", "covered", f"{gap.start}-{gap.end}", facts)


def check_text(pack: RulePack, content: bytes) -> list[Finding]:
    """What a pack says otherwise than its source text.

    Args:
        pack: a pack with `source: seed`.
        content: the bytes of the text.
    """
    digest = hashlib.sha256(content).hexdigest()
    if digest != pack.seed_sha256:
        return [Finding("rules.E1", "seed_sha256", digest, {"rule": pack.pack_id})]
    text = content.decode("utf-8")
    return [
        *_quotes(pack, text),
        *_unmapped(pack, len(text)),
        *_outside_text(pack, len(text)),
        *_longer_than_a_clause(pack, text),
    ]


def _quotes(pack: RulePack, text: str) -> Iterator[Finding]:
    for rule in pack.rules:
        facts = {"rule": rule.rule_id}
        if rule.quote not in text:
            yield Finding("rules.E1", "quote", rule.quote, facts)
        elif not rule.quote_verified:
            yield Finding("rules.E1", "quote_verified", rule.quote, facts)
        if rule.responsible and rule.responsible not in text:
            yield Finding("rules.E1", "responsible", rule.responsible, facts)
    for parameter in pack.parameters.values():
        facts = {"rule": f"{pack.pack_id}.{parameter.name}"}
        words = (*parameter.elements, *(parameter.word or "").split("、"))
        yield from (
            Finding("rules.E1", "parameters", word, facts) for word in words if word not in text
        )


def _outside_text(pack: RulePack, length: int) -> Iterator[Finding]:
    """Positions that the text does not have."""
    for one in (*pack.covered, *pack.non_operative):
        if not 0 <= one.start < one.end <= length:
            facts = {"pack": pack.pack_id, "from": one.start, "to": one.end}
            yield Finding("rules.E10", "covered", f"{one.start}-{one.end}", facts)


def _longer_than_a_clause(pack: RulePack, text: str) -> Iterator[Finding]:
    """A covered stretch is one sentence at most, and no part of it is called non-operative."""
    idle = {place for one in pack.non_operative for place in range(one.start, one.end)}
    for one in pack.covered:
        is_cut = _END_OF_CLAUSE.search(text[one.start : one.end])
        if is_cut or not idle.isdisjoint(range(one.start, one.end)):
            facts = {"pack": pack.pack_id, "from": one.start, "to": one.end}
            yield Finding("rules.E10", "covered", text[one.start : one.end], facts)
