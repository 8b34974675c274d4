"""What the names of a source were taken for in a run: used, proposed or unknown, with examples.

Kept with the run and shown to who keeps the source, who decides on what is proposed. Of a line
that may be secret, and of contact persons, no example is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ckanext.govopen.domain.harvest import How, Mapped, Meaning
from ckanext.govopen.domain.inventory import RULES
from ckanext.govopen.domain.units import names_a_unit, read_unit_text
from ckanext.govopen.logic.errors import refuse
from ckanext.govopen.logic.harvest_connectors import TABLE
from ckanext.govopen.logic.imports import CONTACT_FIELDS
from ckanext.govopen.logic.intake_proposals import MOST, proposals
from ckanext.govopen.logic.vocab import vocabularies

MOST_NAMES = 300
MOST_EXAMPLES = 20  # from which a column is judged; fewer are shown
SHOWN_EXAMPLES = 3
LONGEST_EXAMPLE, LONGEST_NAME = 60, 200
MOST_UNREAD = 30
# What a later record may say against an earlier one.
_DOUBTS = (How.RIVAL, How.UNSURE)
# How a name was taken whose value is used; the fields that a name may have.
USED = ("told", "sure")
FIELD_WORDS = {"inventory": "inventory_field", "dataset": "harvest_field"}


class Names:
    """The names of one run, and values of them that nobody understands.

    Args:
        outcome: inventory or dataset: what the records become, and so which fields there are.
    """

    def __init__(self, outcome: str = "inventory") -> None:
        self._is_dataset = outcome == "dataset"
        self._meanings: dict[str, Meaning] = {}
        self._examples: dict[str, dict[str, None]] = {}
        self._unread: dict[str, dict[str, None]] = {}

    def note(self, mapped: Mapped) -> None:
        """Remembers what a record shows of the names."""
        is_shown = _may_be_shown(mapped)
        for one in mapped.meanings:
            known = self._meanings.get(one.name)
            if known is None and (
                len(self._meanings) >= MOST_NAMES or len(one.name) > LONGEST_NAME
            ):
                continue
            if known is None or (one.how in _DOUBTS and known.how not in _DOUBTS):
                self._meanings[one.name] = one
            if is_shown and one.field not in CONTACT_FIELDS:
                self._note_example(one.name, mapped.examples.get(one.name, ""))
        if is_shown:
            self._note_unread(mapped)

    def _note_example(self, name: str, text: str) -> None:
        kept = self._examples.setdefault(name, {})
        if text and len(kept) < MOST_EXAMPLES:
            kept.setdefault(text[:LONGEST_EXAMPLE])

    def _note_unread(self, mapped: Mapped) -> None:
        for name, text in mapped.values.items():
            kept = self._unread.setdefault(name, {})
            if text and len(kept) < MOST_UNREAD and not _is_understood(name, text):
                kept.setdefault(text[:LONGEST_EXAMPLE])

    def evidence(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept with the run; what an earlier stage of it has noted stays."""
        names = {name: self._kept(one) for name, one in self._meanings.items()}
        unread = {name: list(values) for name, values in self._unread.items() if values}
        if not names:
            return dict(before)
        return {
            **before,
            "names": {**names, **(before.get("names") or {})},
            "unread": {**unread, **(before.get("unread") or {})},
        }

    def _kept(self, one: Meaning) -> list[Any]:
        examples = list(self._examples.get(one.name, ()))
        found = proposals(one, examples, of_dataset=self._is_dataset)
        others = [[hint.field, hint.confidence] for hint in found[:MOST]]
        sure = round(one.confidence, 2)
        return [one.field, sure, one.how.value, examples[:SHOWN_EXAMPLES], others]


def _is_understood(field: str, text: str) -> bool:
    """False for a code that means nothing here, of a term or of a unit."""
    if field == "provider":
        return names_a_unit(text) or read_unit_text(text).code is not None
    rule = RULES.get(field)
    is_coded = rule is not None and rule.kind == "code"
    return not is_coded or vocabularies()[str(rule.vocabulary)].code_of(text) is not None


def _may_be_shown(mapped: Mapped) -> bool:
    said = mapped.values.get("secrecy", "")
    return not said or vocabularies()["secrecy"].code_of(said) == "non_secret"


# --- as they are shown ---------------------------------------------------------------------------


def names_view(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each name: the field that it has or may have, how surely, examples, further proposals."""
    return [
        _name_view(name, [*kept, *(None,) * (5 - len(kept))])
        for name, kept in (evidence.get("names") or {}).items()
    ]


def _name_view(name: str, kept: list[Any]) -> dict[str, Any]:
    field, confidence, how, examples, proposed = kept
    return {
        "name": name,
        "field": field,
        "confidence": str(confidence),
        "how": how or ("sure" if field else "unknown"),
        "examples": examples or [],
        "proposed": [{"field": one, "confidence": str(sure)} for one, sure in proposed or ()],
    }


def unread_view(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values that no vocabulary has, by field: a person says what they stand for."""
    return [
        {"field": name, "values": values} for name, values in (evidence.get("unread") or {}).items()
    ]


# --- as a person says what they mean -------------------------------------------------------------


def confirmed(
    source: Mapping[str, Any],
    names: Sequence[Mapping[str, Any]],
    fields: Mapping[str, str],
    values: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """The settings of a source with what a person says; what stays as it is stays unsaid.

    Args:
        names: of a run, as they are shown.
        fields: the field of each name that the person speaks of; "" for none at all.
        values: by field, what values of the source stand for.

    Raises:
        tk.ValidationError: `vocab.E1` the run has no such name, or there is no such field.
    """
    settings, is_table = dict(source["settings"]), source["kind"] == TABLE
    place = "columns" if is_table else "fields"
    told = dict(settings.get(place) or {})
    known = {one["name"]: one for one in names}
    for name, chosen in fields.items():
        if name not in known:
            refuse("vocab.E1", place, name, allowed=", ".join(known))
        _require_field(str(source["outcome"]), chosen)
        one = known[name]
        used = (one["field"] if one["how"] in USED else "") or ""
        if chosen != used:
            told[name] = chosen or (None if is_table else "")  # this field, or none at all
    said = {field: dict(table) for field, table in (settings.get("values") or {}).items()}
    for field, table in values.items():
        _require_field(str(source["outcome"]), field)
        said[field] = {**said.get(field, {}), **table}
    return {**settings, place: told, "values": said}


def _require_field(outcome: str, field: str) -> None:
    words = vocabularies()[FIELD_WORDS[outcome]]
    if field and field not in words:
        refuse("vocab.E1", "field", field, allowed=", ".join(str(one.code) for one in words))
