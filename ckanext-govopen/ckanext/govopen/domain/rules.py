"""Rule packs: what a source text asks of whom, by when, because of what, met by what.

A pack is data (`data/rules/*.yaml`): one file for each text that the rules come from. This module
gives it its shape. It checks nothing (that is `domain.rule_checks`), compares no bounds
(`domain.rule_bounds`), starts no duty and reads no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

# Where a stretch of a text went; each is a key of its line in `covered`.
DESTINATIONS = ("rule", "record", "page", "outside")


@dataclass(frozen=True)
class Bound:
    """How much, how often or until when.

    Args:
        amount: a number above 0; for the units `date` and `yearly_date` the day (`2017-08-31`,
            `01-31`); None where the text has a word and no number.
        unit: code of the vocabulary `rule_unit`; None as for `amount`.
        parameter: name of the pack's parameter that says it, if one does.
        least: True for a term that may be longer and never shorter (不少于).
    """

    amount: int | str | None = None
    unit: str | None = None
    parameter: str | None = None
    least: bool = False

    @property
    def is_known(self) -> bool:
        """False while the number behind 及时, 定期 or 同步 has not been set."""
        return self.amount is not None and self.unit is not None


@dataclass(frozen=True)
class Parameter:
    """What one text says in its own way: a number, a set of elements, a word, a plain value.

    A `word` (及时, 定期, 同步) has no number in the text: `set_by` names the role that sets it.
    """

    name: str
    amount: int | str | None = None
    unit: str | None = None
    word: str | None = None
    set_by: str | None = None
    elements: tuple[str, ...] = ()
    value: str | None = None


@dataclass(frozen=True)
class Evidence:
    """The record that meets a rule (`rule_record`), and when it does (`rule_condition`)."""

    record: str
    condition: str


@dataclass(frozen=True)
class Rule:
    """One rule: a quoted clause, whom it binds, what starts it, its bound and its evidence."""

    rule_id: str
    capability: str
    clause: str
    quote: str
    quote_verified: bool
    subject: str
    kind: str
    trigger: str
    evidence: Evidence
    bound: Bound | None = None
    exemption: tuple[str, ...] = ()
    phase: int | None = None
    responsible: str | None = None
    public: bool = True


@dataclass(frozen=True)
class Stretch:
    """A part of a text by the positions of its first character and of the one after its last.

    Args:
        start, end: positions in the decoded text.
        clause: number of the clause, empty for a stretch without operative words.
        kind: one of `DESTINATIONS`, empty as above.
        target: a rule id, a record, a page, or the reason why it is no matter of software.
    """

    start: int
    end: int
    clause: str = ""
    kind: str = ""
    target: str = ""


@dataclass(frozen=True)
class RulePack:
    """One source text as rules, with the account of where each of its clauses went."""

    pack_id: str
    source: str
    seed: str | None
    seed_sha256: str | None
    title: str
    doc_no: str | None
    issuer: str
    made_on: date
    valid_from: date
    valid_to: date | None
    version: int
    supersedes: str | None
    subjects: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    rules: tuple[Rule, ...]
    covered: tuple[Stretch, ...]
    non_operative: tuple[Stretch, ...]

    def is_in_force(self, day: date) -> bool:
        """True from its first day to its last."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def bound_of(self, rule: Rule) -> Bound | None:
        """The bound of a rule, with the number that its parameter gives; None without one."""
        if rule.bound is None or rule.bound.parameter is None:
            return rule.bound
        said = self.parameters.get(rule.bound.parameter)
        if said is None:
            return rule.bound
        return Bound(said.amount, said.unit, said.name, rule.bound.least)

    def elements_of(self, rule: Rule) -> tuple[str, ...]:
        """The elements that a rule asks for; empty for a rule of another kind."""
        said = self.parameters.get(rule.bound.parameter or "") if rule.bound else None
        return said.elements if said else ()

    def unset_words(self) -> tuple[Parameter, ...]:
        """Parameters whose number nobody has set yet."""
        return tuple(one for one in self.parameters.values() if one.word and one.amount is None)


def read_pack(table: Mapping[str, Any]) -> RulePack:
    """A pack from its parsed file.

    Raises:
        KeyError: a field is missing.
        ValueError: a date is none.
    """
    return RulePack(
        pack_id=table["pack_id"],
        source=table["source"],
        seed=table["seed"],
        seed_sha256=table["seed_sha256"],
        title=table["title"],
        doc_no=table["doc_no"],
        issuer=table["issuer"],
        made_on=date.fromisoformat(table["made_on"]),
        valid_from=date.fromisoformat(table["valid_from"]),
        valid_to=date.fromisoformat(table["valid_to"]) if table["valid_to"] else None,
        version=table["version"],
        supersedes=table["supersedes"],
        subjects=tuple(table["subjects"]),
        parameters={name: _parameter(name, facts) for name, facts in table["parameters"].items()},
        rules=tuple(_rule(facts) for facts in table["rules"]),
        covered=tuple(_covered(facts) for facts in table["covered"]),
        non_operative=tuple(Stretch(one["from"], one["to"]) for one in table["non_operative"]),
    )


def _parameter(name: str, facts: Mapping[str, Any]) -> Parameter:
    return Parameter(name, **{**facts, "elements": tuple(facts.get("elements", ()))})


def _rule(facts: Mapping[str, Any]) -> Rule:
    bound = facts.get("bound")
    return Rule(
        **{
            **facts,
            "evidence": Evidence(**facts["evidence"]),
            "bound": Bound(**bound) if bound else None,
            "exemption": tuple(facts.get("exemption", ())),
        }
    )


def _covered(facts: Mapping[str, Any]) -> Stretch:
    kind = next(name for name in DESTINATIONS if name in facts)
    return Stretch(facts["from"], facts["to"], facts["clause"], kind, facts[kind])


@dataclass(frozen=True)
class Account:
    """How many stretches of a pack went where; `unmapped` are characters that went nowhere."""

    rules: int
    rule: int
    record: int
    page: int
    outside: int
    unmapped: int


def account(pack: RulePack, length: int | None = None) -> Account:
    """Counts a pack's stretches.

    Args:
        pack: the pack.
        length: characters of its text; None where the text is not at hand.
    """
    counts = {kind: sum(one.kind == kind for one in pack.covered) for kind in DESTINATIONS}
    lost = sum(one.end - one.start for one in gaps(pack, length))
    return Account(rules=len(pack.rules), unmapped=lost, **counts)


@dataclass(frozen=True)
class Clause:
    """A clause of a text: its rules, and the records, pages or reasons where else it went."""

    number: str
    rules: tuple[Rule, ...]
    elsewhere: tuple[tuple[str, str], ...]


def clauses(pack: RulePack) -> tuple[Clause, ...]:
    """The clauses of a text in its order; those of rules whose text is not accounted for, last."""
    stretches = sorted(pack.covered, key=lambda one: (one.start, one.end))
    numbers = dict.fromkeys([s.clause for s in stretches] + [r.clause for r in pack.rules])
    return tuple(_clause(number, stretches, pack.rules) for number in numbers)


def _clause(number: str, stretches: Sequence[Stretch], rules: Sequence[Rule]) -> Clause:
    """A rule stands under its own clause, and under each that says the same again."""
    went = dict.fromkeys((one.kind, one.target) for one in stretches if one.clause == number)
    own = (one for one in rules if one.clause == number or ("rule", one.rule_id) in went)
    return Clause(number, tuple(own), tuple(one for one in went if one[0] != "rule"))


def gaps(pack: RulePack, length: int | None = None) -> tuple[Stretch, ...]:
    """Stretches that are neither covered nor without operative words, in order."""
    stretches = sorted((*pack.covered, *pack.non_operative), key=lambda one: (one.start, one.end))
    found, reached = [], 0
    for one in stretches:
        if one.start > reached:
            found.append(Stretch(reached, one.start))
        reached = max(reached, one.end)
    if length is not None and length > reached:
        found.append(Stretch(reached, length))
    return tuple(found)
