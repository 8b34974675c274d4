"""Adjustments of lists: written entry by entry, checked, handed in, and put right after a return.

Every function works inside the caller's transaction. Two people may write one draft: what they
did to different entries is merged, of the same entry the second sees what the first wrote. The log
gets its rows when the draft is handed in, and the public the version when its case is approved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from ckanext.govopen import clock, config
from ckanext.govopen.domain import adjustments as rules
from ckanext.govopen.domain import register_checks
from ckanext.govopen.domain.adjustments import KINDS, NEW, Change, Corrected, Present, Target
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.register_types import (
    RegisterType,
    check_code,
    check_fields,
    missing_fields,
    tidy_fields,
)
from ckanext.govopen.domain.registers import IN_FORCE
from ckanext.govopen.logic import audit, registers, review
from ckanext.govopen.logic.errors import refuse, refuse_all
from ckanext.govopen.logic.register_types import register_type, register_types
from ckanext.govopen.logic.vocab import vocabularies
from ckanext.govopen.model import adjustments as store
from ckanext.govopen.model import registers as log
from ckanext.govopen.model import units

LICENCES = "licensing_list"


@dataclass(frozen=True)
class Edit:
    """What an editor wants of one entry; without a code a new one is given."""

    entry_code: str | None
    kind: str
    fields: Mapping[str, object]
    extra: Mapping[str, object]


@dataclass(frozen=True)
class Handed:
    """A draft that was handed in: its case, and what the checks had to say beside."""

    case_id: str
    version_id: str
    warnings: Sequence[Finding]


def begin(
    session: Session,
    register_type: str,
    unit_id: str,
    actor: str,
    facts: Mapping[str, object],
    changes: Sequence[Edit] = (),
) -> str:
    """A new draft of a unit's list, which is made when it is the first; returns its id."""
    register_id = log.ensure(session, register_type, [unit_id], config.region_code())[unit_id]
    draft_id = store.create(session, register_id, actor)
    if changes:
        put(session, draft_id, changes, actor, facts=facts)
    elif facts:
        store.set_facts(session, draft_id, facts, actor)
    note(session, "register_draft.created", draft_id, actor, register=register_id)
    return draft_id


def note(session: Session, action: str, draft_id: str, actor: str, **details: object) -> None:
    """Says in the audit trail what somebody did to a draft."""
    audit.note(session, action, f"register_draft:{draft_id}", actor=actor, details=details)


def put(
    session: Session,
    draft_id: str,
    changes: Iterable[Edit],
    actor: str,
    *,
    revision: int | None = None,
    take_out: Sequence[str] = (),
    facts: Mapping[str, object] | None = None,
) -> int:
    """Writes entries and facts into a draft, many at once.

    Args:
        changes: what shall become of entries, each the whole of it.
        revision: of the draft that the editor saw; None when nobody can have written since.
        take_out: codes of entries that the draft no longer changes.
        facts: columns of `model.adjustments.FACTS`.

    Returns:
        the revision of the draft afterwards.

    Raises:
        tk.ValidationError: the draft is not in editing, somebody wrote the same entry since, or a
            value cannot be stored.
    """
    draft = _editable(session, draft_id)
    register = _register_of(session, draft)
    kind = register_type(str(register["register_type"]))
    edits = _with_codes(session, register, _well_formed(changes))
    _refuse_unstorable(kind, edits, _place(kind, register))
    if revision is not None:
        _refuse_conflict(session, draft, edits, take_out, facts, revision)
    after = store.step(session, draft_id, actor)
    if facts:
        store.set_facts(session, draft_id, facts, actor)
    store.take_out(session, draft_id, take_out)
    store.put(session, draft_id, after, (_written(kind, edit) for edit in edits), actor)
    return after


def _written(kind: RegisterType, edit: Edit) -> tuple[object, ...]:
    """Code, kind, content and the rest, as a draft keeps them."""
    return str(edit.entry_code), edit.kind, _tidy(kind, edit), _tidy_extra(kind, edit)


def _tidy(kind: RegisterType, edit: Edit) -> dict[str, object]:
    # Content of another type is looked at when the draft is handed in.
    return dict(edit.fields) if edit.kind == "convert" else tidy_fields(kind, edit.fields)


def _tidy_extra(kind: RegisterType, edit: Edit) -> dict[str, object]:
    parts = [
        {"entry_code": code, "fields": tidy_fields(kind, fields)} for code, fields in _parts(edit)
    ]
    return {**edit.extra, "parts": parts} if parts else dict(edit.extra)


def _editable(session: Session, draft_id: str) -> Mapping[str, Any]:
    draft = store.lock(session, draft_id)
    if draft is None or draft["state"] != "editing":
        refuse("registers.E23", "state", str(draft["state"]) if draft else "–")
    return draft


def _register_of(session: Session, draft: Mapping[str, Any]) -> Mapping[str, Any]:
    return log.register(session, str(draft["register_id"]))


def _with_codes(session: Session, register: Mapping[str, Any], edits: Sequence[Edit]) -> list[Edit]:
    """Entries without a code, and parts without one, get the next ones of the region."""
    lacking = sum(not edit.entry_code for edit in edits)
    lacking += sum(not code for edit in edits for code, _ in _parts(edit))
    if not lacking:
        return list(edits)
    codes = iter(log.next_entry_codes(session, str(register["region_code"]), lacking))
    return [_coded(edit, codes) for edit in edits]


def _coded(edit: Edit, codes: Iterator[str]) -> Edit:
    code = edit.entry_code or next(codes)
    parts = [
        {"entry_code": its_code or next(codes), "fields": fields}
        for its_code, fields in _parts(edit)
    ]
    extra = {**edit.extra, "parts": parts} if parts else edit.extra
    return replace(edit, entry_code=code, extra=extra)


def _parts(edit: Edit) -> tuple[tuple[str, Mapping[str, object]], ...]:
    is_split = edit.kind == "split"
    return Change("", edit.kind, {}, edit.extra).parts if is_split else ()


def _well_formed(edits: Iterable[Edit]) -> list[Edit]:
    """E27: what is said with a change has the form in which the rules read it."""
    given = list(edits)
    found = [
        Finding("registers.E27", "extra", params={"entry": edit.entry_code or "–", "extra": names})
        for edit in given
        if (names := rules.malformed(edit.extra))
    ]
    if found:
        refuse_all(found)
    return given


def _refuse_unstorable(
    kind: RegisterType, edits: Sequence[Edit], place: Mapping[str, object]
) -> None:
    """What cannot be stored is said with list and entry where more than one entry is written."""
    if sum(1 + len(_parts(edit)) for edit in edits) == 1:
        place = {}
    found = [
        replace(one, params={"entry": edit.entry_code, **one.params, **place})
        for edit in edits
        for one in _unstorable(kind, edit)
    ]
    if found:
        refuse_all(found)


def _unstorable(kind: RegisterType, edit: Edit) -> Iterator[Finding]:
    if edit.kind not in KINDS:
        yield Finding("vocab.E1", "kind", edit.kind, {"allowed": ", ".join(KINDS)})
        return
    if NEW in KINDS[edit.kind].wants:
        yield from check_code(kind, str(edit.entry_code))
    if edit.kind in rules.WITH_CONTENT and edit.fields:
        yield from check_fields(kind, tidy_fields(kind, edit.fields), vocabularies())
    new_type, new_code = str(edit.extra.get("new_type")), edit.extra.get("new_code")
    if edit.kind == "convert" and new_code and new_type in register_types():
        yield from check_code(register_type(new_type), str(new_code), "new_code")
    for code, fields in _parts(edit):
        for one in check_code(kind, code) + check_fields(
            kind, tidy_fields(kind, fields), vocabularies()
        ):
            yield replace(one, params={**one.params, "entry": code})


def _refuse_conflict(
    session: Session,
    draft: Mapping[str, Any],
    edits: Sequence[Edit],
    take_out: Sequence[str],
    facts: Mapping[str, object] | None,
    revision: int,
) -> None:
    codes = [str(edit.entry_code) for edit in edits] + list(take_out)
    written = store.edited_since(session, str(draft["id"]), codes, revision)
    if written:
        first = written[0]
        _refuse_second(
            str(first["person"]),
            first["updated_at"],
            [str(row["entry_code"]) for row in written],
            [
                {name: row[name] for name in ("entry_code", "kind", "fields", "extra")}
                for row in written
            ],
        )
    if facts and draft["facts_revision"] > revision:
        theirs = {name: draft[name] for name in store.FACTS}
        if any(theirs[name] != value for name, value in facts.items()):
            person = store.person_name(session, str(draft["facts_by"]))
            _refuse_second(person, draft["facts_at"], [], theirs)


def _refuse_second(person: str, since: Any, codes: Sequence[str], theirs: object) -> None:
    refuse(
        "registers.E19",
        "revision",
        person=person,
        since=f"{since.astimezone(clock.SITE_ZONE):%Y-%m-%d %H:%M:%S}",
        entries=list(codes) or "–",
        theirs=json.dumps(theirs, ensure_ascii=False, default=str),
    )


def changes_of(session: Session, draft_id: str) -> list[Change]:
    """The changes of a draft as the rules see them."""
    return [
        Change(
            str(row["entry_code"]), str(row["kind"]), row["fields"], row["extra"], row["base_seq"]
        )
        for row in store.changes(session, draft_id)
    ]


def findings_of(session: Session, draft: Mapping[str, Any]) -> list[Finding]:
    """Everything that the checks have to say of a draft, refusals and warnings."""
    changes = changes_of(session, str(draft["id"]))
    return _findings(session, _seen(session, draft, _register_of(session, draft), changes))


@dataclass(frozen=True)
class _Seen:
    """A draft beside what its list says now."""

    draft: Mapping[str, Any]
    register: Mapping[str, Any]
    changes: Sequence[Change]
    present: Mapping[str, Present]
    corrected: Mapping[tuple[str, int], Corrected]


def _seen(
    session: Session,
    draft: Mapping[str, Any],
    register: Mapping[str, Any],
    changes: Sequence[Change],
) -> _Seen:
    present = _present(session, str(register["id"]), changes)
    return _Seen(draft, register, changes, present, _corrected(session, register, changes))


def _findings(session: Session, seen: _Seen) -> list[Finding]:
    kind = register_type(str(seen.register["register_type"]))
    world = _world(session, seen)
    found = register_checks.check(kind, _facts(seen.draft), seen.changes, world)
    contents = [one for change in seen.changes for one in _contents(kind, change)]
    found += _content_findings(session, seen.register, contents)
    if moved := register_checks.moved(seen.changes, seen.present):
        found.append(Finding("registers.E18", "entries", params={"entries": moved}))
    place = _place(kind, seen.register)
    return [replace(one, params={**one.params, **place}) for one in found]


def _place(kind: RegisterType, register: Mapping[str, Any]) -> dict[str, object]:
    """The list that a finding is about, by its id and in words."""
    words = {lang: f"{register['unit_name']} · {kind.label(lang)}" for lang in ("zh", "en")}
    return {"register": str(register["id"]), "list": words}


_Content = tuple[RegisterType, str, Mapping[str, object]]


def _contents(kind: RegisterType, change: Change) -> Iterator[_Content]:
    """Type, code and content of each entry that a change gives a content."""
    contents = [(kind, change.entry_code, change.fields)]
    if change.kind == "convert" and change.extra.get("new_type") in register_types():
        contents = [
            (register_type(str(change.extra["new_type"])), change.entry_code, change.fields)
        ]
    elif change.kind == "split":
        contents += [(kind, code, fields) for code, fields in change.parts]
    elif change.kind not in rules.WITH_CONTENT:
        return
    for one in contents:
        if one[2] or change.kind not in ("split", "entrust", "retrieve", "merge"):
            yield one


def _content_findings(
    session: Session, register: Mapping[str, Any], contents: Sequence[_Content]
) -> Iterator[Finding]:
    """What an entry that stays or comes into force still lacks, said with its code."""
    wanted = {
        (link.to_type, link.to_code)
        for kind, _, fields in contents
        for link in register_checks.covered(kind, fields)
    }
    own = store.own_entries(session, str(register["id"]), wanted) if wanted else ()
    for kind, code, fields in contents:
        found = check_fields(kind, fields, vocabularies()) + missing_fields(kind, fields)
        found += register_checks.check_covered(kind, fields, own)
        for finding in found:
            # What is only missing keeps a draft from being handed in.
            params = {**finding.params, "entry": code}
            yield Finding(finding.code, finding.field, finding.value, params)


# A field that an active entry must have is a warning while one writes, a refusal when one hands in.
INCOMPLETE = frozenset({"registers.W10"})


def submit(session: Session, draft_id: str, actor: str) -> Handed:
    """Hands a draft in: its rows go to the log, a version of each list touched into one case.

    Raises:
        tk.ValidationError: the checks refuse it; every refusal is named.
    """
    return submit_all(session, [draft_id], actor)[0]


def submit_all(session: Session, draft_ids: Sequence[str], actor: str) -> list[Handed]:
    """Hands drafts in together, what one document adjusts in several lists: one case for all.

    Raises:
        tk.ValidationError: the checks refuse one of them; nothing is handed in.
    """
    ready = [_ready(session, draft_id) for draft_id in sorted(set(draft_ids))]
    if not ready:
        refuse("registers.E21")
    log.lock(session, sorted({one for each in ready for one in each.targets.values()}))
    seen = [_seen(session, each.draft, each.register, each.changes) for each in ready]
    said = [_findings(session, one) for one in seen]
    refused = [one for found in said for one in found if _is_refused(one)]
    if refused:
        refuse_all(refused)
    versions = [
        _write(session, one, each.targets, actor) for one, each in zip(seen, ready, strict=True)
    ]
    case_id = _case(session, ready, versions, actor)
    handed = {}
    for each, staged, found in zip(ready, versions, said, strict=True):
        own, draft_id = staged[str(each.register["id"])], str(each.draft["id"])
        store.set_state(session, draft_id, "submitted", own)
        warnings = [one for one in found if not _is_refused(one)]
        handed[draft_id] = Handed(case_id, own, warnings)
    review.submit_case(session, case_id, actor)
    return [handed[draft_id] for draft_id in dict.fromkeys(draft_ids)]


def _is_refused(finding: Finding) -> bool:
    return finding.is_refusal or finding.code in INCOMPLETE


@dataclass(frozen=True)
class _Ready:
    """A draft that is about to be handed in, with the lists that it touches."""

    draft: Mapping[str, Any]
    register: Mapping[str, Any]
    changes: Sequence[Change]
    targets: Mapping[Target, str]


def _ready(session: Session, draft_id: str) -> _Ready:
    draft = _editable(session, draft_id)
    register = _register_of(session, draft)
    changes = changes_of(session, draft_id)
    return _Ready(draft, register, changes, _targets(session, register, changes))


def _case(
    session: Session, ready: Sequence[_Ready], staged: Sequence[Mapping[str, str]], actor: str
) -> str:
    register_ids = {one for each in ready for one in each.targets.values()}
    versions = [version for each in staged for version in each.values()]
    case_id = review.open_case(
        session,
        kind="register",
        title=str(ready[0].draft["reason"]),
        unit_ids=log.units_of(session, sorted(register_ids)),
        records=[("register_version", version) for version in versions],
        actor=actor,
        reason=None,
    )
    log.set_case(session, versions, case_id)
    return case_id


def _targets(
    session: Session, register: Mapping[str, Any], changes: Sequence[Change]
) -> dict[Target, str]:
    """The list itself, and those to which entries move, made where there is none."""
    own_id, region = str(register["id"]), str(register["region_code"])
    found: dict[Target, str] = {rules.OWN: own_id}
    units_to = {
        str(one.extra["to_unit"])
        for one in changes
        if one.kind == "transfer" and one.extra.get("to_unit")
    }
    known = units_to and set(units.known(session, sorted(units_to)))
    for unit_id in sorted(known or ()):
        made = log.ensure(session, str(register["register_type"]), [unit_id], region)
        found[Target(unit=unit_id)] = made[unit_id]
    types_to = {str(one.extra.get("new_type")) for one in changes if one.kind == "convert"}
    for new_type in sorted(types_to & set(register_types())):
        made = log.ensure(session, new_type, [str(register["unit_id"])], region)
        found[Target(register_type=new_type)] = made[str(register["unit_id"])]
    return found


def _write(
    session: Session, seen: _Seen, targets: Mapping[Target, str], actor: str
) -> dict[str, str]:
    """Log rows and a staged version of each list: {register id: version id}."""
    draft, register = seen.draft, seen.register
    act = registers.Act(actor, clock.now(), draft["basis"], draft["reason"], draft["import_id"])
    own = Target(str(register["unit_id"]), str(register["register_type"]))
    changes = _numbered(session, register, seen.changes)
    rows = list(rules.rows(changes, seen.present, draft["effective_on"], seen.corrected, own))
    notice = registers.NoticeFacts(
        draft["basis_doc"], draft["requested_on"], draft["approved_on"], draft["prose"]
    )
    versions: dict[str, str] = {}
    for target, register_id in targets.items():
        own_rows = [row for row in rows if row.target == target]
        written = [_entry_change(row) for row in own_rows]
        its_type = target.register_type or str(register["register_type"])
        registers.write(session, register_id, written, act, its_type)
        codes = [row.entry_code for row in own_rows]
        versions[register_id] = registers.stage_version(
            session, register_id, codes, act, draft["effective_on"], notice
        )
    return versions


def _entry_change(row: rules.Row) -> registers.EntryChange:
    return registers.EntryChange(
        entry_code=row.entry_code,
        change=row.change,
        fields=row.fields,
        status=row.status,
        effective_on=row.effective_on,
        extra=row.extra,
        corrects=row.corrects,
    )


def _numbered(
    session: Session, register: Mapping[str, Any], changes: Sequence[Change]
) -> list[Change]:
    """What is turned into another type gets its new code, where none was given."""
    lacking = [one for one in changes if one.kind == "convert" and not one.extra.get("new_code")]
    if not lacking:
        return list(changes)
    codes = log.next_entry_codes(session, str(register["region_code"]), len(lacking))
    given = dict(zip((one.entry_code for one in lacking), codes, strict=True))
    return [
        Change(
            one.entry_code,
            one.kind,
            one.fields,
            {**one.extra, "new_code": given[one.entry_code]},
            one.base_seq,
        )
        if one.entry_code in given
        else one
        for one in changes
    ]


def _facts(draft: Mapping[str, Any]) -> register_checks.Facts:
    return register_checks.Facts(
        draft["basis"],
        draft["reason"],
        draft["effective_on"],
        draft["approved_on"],
        draft["requested_on"],
        clock.today(),
    )


def _present(session: Session, register_id: str, changes: Sequence[Change]) -> dict[str, Present]:
    codes = {change.entry_code for change in changes}
    codes |= {code for change in changes for code in change.codes("merged_codes")}
    return {
        str(row["entry_code"]): Present(
            str(row["entry_code"]),
            str(row["status"]),
            row["fields"],
            int(row["log_seq"]),
            int(row["number"]),
            row["valid_from"],
            row["approved_on"],
        )
        for row in store.present(session, register_id, sorted(codes))
    }


def _corrected(
    session: Session, register: Mapping[str, Any], changes: Sequence[Change]
) -> dict[tuple[str, int], Corrected]:
    wanted = [
        (one.entry_code, one.corrects)
        for one in changes
        if one.kind == "correct" and one.corrects is not None
    ]
    if not wanted:
        return {}
    return {
        (str(row["entry_code"]), int(row["number"])): Corrected(
            str(row["status"]), row["effective_on"]
        )
        for row in store.published_rows(session, str(register["id"]), wanted)
    }


def _world(session: Session, seen: _Seen) -> register_checks.World:
    register, changes, present = seen.register, seen.changes, seen.present
    register_id = str(register["id"])
    contents = [change.fields for change in changes if change.kind in rules.WITH_CONTENT]
    contents += [fields for change in changes for _, fields in change.parts]
    names = sorted({str(one["name"]) for one in contents if one.get("name")})
    parents = sorted({str(one["parent_code"]) for one in contents if one.get("parent_code")})
    after = rules.statuses_after([change for change in changes if change.kind in KINDS], present)
    gone = sorted(code for code, status in after.items() if status not in IN_FORCE)
    opened = [one.entry_code for one in changes if NEW in KINDS[one.kind].wants]
    opened += [code for one in changes for code, _ in one.parts]
    opened = [code for code in opened if code and code not in present]
    is_licensing = register["register_type"] == LICENCES
    return register_checks.World(
        present=present,
        taken=set(store.taken_codes(session, register_id, opened)),
        taken_there=_taken_there(session, register_id, changes),
        children=_children(session, register_id, gone),
        above=store.above(session, register_id, parents),
        parents=set(store.in_force(session, register_id, parents)),
        same={
            str(row["entry_code"]): row["fields"]
            for row in store.named(session, register_id, names)
        },
        links=[_linked(row) for row in store.links_to(session, register_id, gone)],
        versions=set(seen.corrected),
        missing_above=set(store.missing_above(session, register_id, names) if is_licensing else ()),
        unit=str(register["unit_id"]),
        register_type=str(register["register_type"]),
        units=_receivers(session, changes),
        types=set(register_types()),
        elsewhere=store.elsewhere(session, register_id, _unknown(changes, present)),
    )


def _children(session: Session, register_id: str, parents: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in store.children(session, register_id, parents):
        found.setdefault(str(row["parent_code"]), []).append(str(row["entry_code"]))
    return found


def _linked(row: Mapping[str, Any]) -> register_checks.Linked:
    return register_checks.Linked(
        str(row["entry_code"]),
        str(row["to_code"]),
        str(row["register_type"]),
        str(row["name"] or ""),
        bool(row["is_own"]),
    )


def _taken_there(
    session: Session, register_id: str, changes: Sequence[Change]
) -> set[tuple[str, str]]:
    """Type and new code of what is turned into another type, where that type has used the code."""
    wanted: dict[str, list[str]] = {}
    for one in changes:
        if one.kind == "convert" and one.extra.get("new_code"):
            codes = wanted.setdefault(str(one.extra.get("new_type")), [])
            codes.append(str(one.extra["new_code"]))
    return {
        (new_type, code)
        for new_type, codes in wanted.items()
        for code in store.taken_codes(session, register_id, codes, new_type)
    }


def _receivers(session: Session, changes: Sequence[Change]) -> dict[str, register_checks.Receiver]:
    asked = {str(one.extra.get("to_unit")) for one in changes if one.kind == "transfer"}
    return {
        str(row["unit_id"]): register_checks.Receiver(
            str(row["name"]), row["valid_from"], row["valid_to"]
        )
        for row in units.lifetimes(session, sorted(asked))
    }


def _unknown(changes: Sequence[Change], present: Mapping[str, Present]) -> list[str]:
    """Codes that changes name and that the list has no entry of."""
    named = {one.entry_code for one in changes if NEW not in KINDS[one.kind].wants}
    named |= {code for one in changes for code in rules.absorbed(one)}
    return sorted(named - set(present))


# What a change lacks for anybody to say what it would do.
UNCLEAR = frozenset(
    {
        "registers.E8",
        "registers.E13",
        "registers.E17",
        "registers.E20",
        "registers.E22",
        "registers.E46",
        "registers.E47",
        "registers.E48",
    }
)


@dataclass(frozen=True)
class Preview:
    """What handing a draft in would write into its own list, and what stands there now."""

    rows: Sequence[rules.Row]
    present: Mapping[str, Present]


def preview(session: Session, draft: Mapping[str, Any]) -> Preview:
    """The rows of a draft, less those of changes that are not clear yet."""
    register = _register_of(session, draft)
    unclear = {
        str(one.params.get("entry")) for one in findings_of(session, draft) if one.code in UNCLEAR
    }
    changes = [
        one for one in changes_of(session, str(draft["id"])) if one.entry_code not in unclear
    ]
    present = _present(session, str(register["id"]), changes)
    own = Target(str(register["unit_id"]), str(register["register_type"]))
    corrected = _corrected(session, register, changes)
    on: date = draft["effective_on"] or clock.today()
    rows = rules.rows(_with_new_codes(changes), present, on, corrected, own)
    return Preview([row for row in rows if row.target == rules.OWN], present)


def _with_new_codes(changes: Sequence[Change]) -> list[Change]:
    return [
        Change(
            one.entry_code,
            one.kind,
            one.fields,
            {"new_code": "", **one.extra} if one.kind == "convert" else one.extra,
            one.base_seq,
        )
        for one in changes
    ]
