"""Records of a source as draft datasets of its unit, private and under review's rules from then on.

A draft is written anew where its record says something else than the last time; otherwise what
people here have made of it stays. What is public is never touched: it gets a pending revision. What
is under review is left as it is, and the record tried again by the next run. The unit is the
source's, whatever a record says of its publisher.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.harvest import Mapped, Taken
from ckanext.govopen.domain.intake_values import BadDateError, read_date
from ckanext.govopen.domain.review import State
from ckanext.govopen.logic import accounts, datasets, revisions
from ckanext.govopen.logic.errors import part_of
from ckanext.govopen.logic.harvest_differences import between
from ckanext.govopen.logic.harvest_inventory import Bounds, Given
from ckanext.govopen.logic.harvest_results import Result, conflict, rejected, unread
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import datasets as datasets_store
from ckanext.govopen.model import harvest_files as files_store
from ckanext.govopen.model import harvest_runs as store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions as revision_store

PACKAGE = "package"
NOTE = "harvest:"  # begins the note of a revision that a source brings
NOT_READ = "harvest.W2"
SPACE = UUID("5f0ca6a5-1b1c-4d0a-9a0e-2f2c8f1c7d55")
TAG_CHARACTERS = (2, 100)
MOST_TAGS = 50
MOST_RESOURCES = 500
CODED = {
    "license_id": ("licence", "licence", "notspecified"),
    "update_cycle": ("update_cycle", "update_cycle", "irregular"),
    "data_domain": ("data_domain", "data_domain", "other"),
    "open_type": ("open_type", "open_type", "unconditional"),
}
TEXTS = ("open_condition", "industry", "contact_name", "contact_phone", "contact_email")
DATES = ("temporal_start", "temporal_end")
ISO_DAY = len("2026-01-05")
# What a record says of its dataset, under these names.
FIELDS = ("title", "notes", *(field for field, _, _ in CODED.values()), *TEXTS, *DATES)
RESOURCE_TEXTS = ("url", "name", "format", "description")


def check(session: Session, bounds: Bounds, given: Given) -> list[Result]:
    """What loading would say, as far as it shows without writing."""
    known = store.objects(session, bounds.source_id, [str(taken.guid) for taken, _ in given])
    return [
        _refusal(taken, mapped)
        or Result(taken, _foreseen(session, taken, mapped, known.get(str(taken.guid))))
        for taken, mapped in given
    ]


def _foreseen(
    session: Session, taken: Taken, mapped: Mapped, known: Mapping[str, Any] | None
) -> str:
    """The verdict of loading: unchanged for what is said otherwise and comes to the same."""
    package = model.Package.get(str(known["record_id"])) if known else None
    if known is None or package is None or taken.verdict != "updated" or package.state == "deleted":
        return taken.verdict
    state = datasets.state_of(package.id)
    if state in rules.UNDER_REVIEW:
        return taken.verdict
    is_same = _says_nothing_new(session, known, state, stated(package.id, mapped))
    return "unchanged" if is_same else taken.verdict


def _refusal(taken: Taken, mapped: Mapped) -> Result | None:
    if taken.problem:
        return unread(taken)
    title = mapped.values.get("title", "").strip()
    if not title:
        return rejected(taken, Finding("harvest.E8", "title"))
    if len(title) > datasets.TITLE_CHARACTERS:
        most = datasets.TITLE_CHARACTERS
        return rejected(taken, Finding("datasets.E9", "title", str(len(title)), {"most": most}))
    for name, found, most in (
        ("resources", len(mapped.resources), MOST_RESOURCES),
        ("tags", len(mapped.tags), MOST_TAGS * 20),
    ):
        if found > most:
            return rejected(taken, Finding("harvest.E18", name, str(found), {"most": most}))
    return None


def differences(session: Session, bounds: Bounds, given: Given) -> dict[int, dict[str, Any]]:
    """What loading some records would change, by the number of each."""
    known = store.objects(session, bounds.source_id, [str(taken.guid) for taken, _ in given])
    return {
        taken.number: _difference(session, mapped, known.get(str(taken.guid)))
        for taken, mapped in given
    }


def _difference(
    session: Session, mapped: Mapped, known: Mapping[str, Any] | None
) -> dict[str, Any]:
    title = mapped.values["title"].strip()
    package = model.Package.get(str(known["record_id"])) if known else None
    if known is None or known["state"] == "removed" or package is None:
        return between(title, {}, {})
    stored, said = _shown(package.id), stated(package.id, mapped)
    changes = {**said, "resources": _with_files(session, said["resources"], stored)}
    names = {name: CODED[name][0] if name in CODED else name for name in said}
    before, after = ({own: _compared(data, name) for name, own in names.items()}
                     for data in (stored, changes))  # fmt: skip
    return between(title, before, after)


def load(session: Session, bounds: Bounds, given: Given) -> list[Result]:
    """Writes records in the caller's transaction; says of each what became of it."""
    known = store.objects(session, bounds.source_id, [str(taken.guid) for taken, _ in given])
    # Files are put into drafts beside a run: who comes second sees what the first has written.
    review_store.lock_packages(session, [str(row["record_id"]) for row in known.values()])
    results = []
    for taken, mapped in given:
        refusal = _refusal(taken, mapped)
        results.append(refusal or _put(session, bounds, taken, mapped, known.get(str(taken.guid))))
    return results


def _put(
    session: Session,
    bounds: Bounds,
    taken: Taken,
    mapped: Mapped,
    known: Mapping[str, Any] | None,
) -> Result:
    package_id = str(known["record_id"]) if known and known["state"] != "removed" else None
    package = model.Package.get(package_id) if package_id else None
    state = datasets.state_of(package.id) if package is not None else State.DELETED
    if package is None or package.state == "deleted" or state is State.DELETED:
        return _made(bounds, taken, mapped)
    if state in rules.UNDER_REVIEW:
        return conflict(taken, "harvest.E6", entry=package.name)
    said = stated(package.id, mapped)
    if _says_nothing_new(session, known or {}, state, said):
        return _written(bounds, taken, "unchanged", package.id, said)
    stored = _shown(package.id)
    changes = {**said, "resources": _with_files(session, said["resources"], stored)}
    verdict = taken.if_written
    if state is State.PUBLISHED:
        verdict = _revised(session, bounds, package, changes, verdict)
    else:
        data = {name: value for name, value in stored.items() if name not in datasets.DERIVED}
        quietly("package_update")(context_of_system(), {**data, **changes})
    return _written(bounds, taken, verdict, package.id, said, not_read(mapped))


def _made(bounds: Bounds, taken: Taken, mapped: Mapped) -> Result:
    package_id = _free_id(bounds, str(taken.guid))
    quietly("package_create")(context_of_system(), dataset_of(bounds, package_id, mapped))
    said = stated(package_id, mapped)
    return _written(bounds, taken, taken.if_written, package_id, said, not_read(mapped))


def _revised(
    session: Session,
    bounds: Bounds,
    package: model.Package,
    changes: Mapping[str, Any],
    verdict: str,
) -> str:
    """A revision that waits beside what is public; unchanged when it would change nothing."""
    note = f"{NOTE}{bounds.source_name}/{bounds.job_id}"
    try:
        revise(session, package, changes, note=note, actor=bounds.actor)
    except tk.ValidationError as refused:
        if part_of(refused).get("code") != "revisions.E2":
            raise
        return "unchanged"
    return verdict


def _shown(package_id: str) -> dict[str, Any]:
    return dict(tk.get_action("package_show")(context_of_system(), {"id": package_id}))


def _written(
    bounds: Bounds,
    taken: Taken,
    verdict: str,
    package_id: str,
    said: Mapping[str, Any],
    fields: Sequence[str] = (),
) -> Result:
    """What was written; fields whose values nobody understands are named with it."""
    is_named = bool(fields) and verdict != "unchanged"
    code, facts = (NOT_READ, {"fields": list(fields)}) if is_named else (None, {})
    return Result(
        taken,
        verdict,
        code,
        facts,
        record_type=PACKAGE,
        record_id=package_id,
        unit_id=str(bounds.unit_id),
        said_hash=_hash(said),
    )


def not_read(mapped: Mapped) -> list[str]:
    """Fields that the source has filled, and of which nothing is understood."""
    said = {name: text.strip() for name, text in mapped.values.items() if text.strip()}
    coded = [field for field, list_, _ in CODED.values()
             if field in said and _code(list_, said[field]) is None]  # fmt: skip
    return [*coded, *(name for name in DATES if name in said and _day(said[name]) is None)]


def revise(
    session: Session, package: model.Package, changes: Mapping[str, Any], *, note: str, actor: str
) -> None:
    """Stages what a source brings beside what is public; adds to what it brought and still waits.

    Raises:
        tk.ValidationError: `revisions.E2` nothing would change, or the dataset does not take it.
    """
    waiting = waiting_revision(session, str(package.id))
    if waiting is None:
        revisions.create(context_of_system(), package, changes, note=note, actor=actor)
    else:
        revisions.change(context_of_system(), waiting, changes, note=note, actor=actor)


def waiting_revision(session: Session, package_id: str) -> Mapping[str, Any] | None:
    """The revision of a dataset that sources have brought and nobody has handed in."""
    rows = revision_store.of_package(session, package_id, revision_store.WAITING)
    return next((row for row in rows if str(row["note"]).startswith(NOTE)), None)


def is_public(known: Mapping[str, Any]) -> bool:
    """True for a record whose dataset is public: its revision is a transaction of its own."""
    return datasets.state_of(str(known["record_id"])) is State.PUBLISHED


def _free_id(bounds: Bounds, guid: str) -> str:
    """The same id for the same record of the same source, whoever writes it and how often."""
    number = 0
    while True:
        candidate = str(uuid5(SPACE, f"{bounds.source_id}\n{guid}\n{number}"))
        if model.Session.get(model.Package, candidate) is None:
            return candidate
        number += 1


def context_of_system() -> dict[str, Any]:
    """The harvest writes for the source's unit alone: what may be written was judged above."""
    service = accounts.harvest_service()
    return {
        "user": service.name,
        "auth_user_obj": service,
        "use_cache": False,
        "model": model,
        "session": model.Session,
        "ignore_auth": True,
        "defer_commit": True,
        "return_id_only": True,
    }


def quietly(action: str) -> Any:
    """An action without CKAN's signal: a run is one act, not an activity for each record."""
    return tk.get_action(action).__wrapped__  # type: ignore[attr-defined]


# --- from fields to a dataset -------------------------------------------------------------------


def dataset_of(bounds: Bounds, package_id: str, mapped: Mapped) -> dict[str, Any]:
    """The draft that a record becomes; what it does not say becomes the doubt of each list."""
    otherwise = {name: doubt for name, (_, _, doubt) in CODED.items()}
    own = {"id": package_id, "type": "dataset", "owner_org": bounds.unit_id}
    return {**otherwise, **stated(package_id, mapped), **own}


def stated(package_id: str, mapped: Mapped) -> dict[str, Any]:
    """What a record says in our words, and nothing else: the rest is whoever keeps the draft's."""
    values = mapped.values
    made: dict[str, Any] = {
        "title": values["title"].strip(),
        "notes": values.get("notes", "").strip() or values["title"].strip(),
        "resources": _resources(package_id, mapped),
    }
    if mapped.tags:
        made["tags"] = [{"name": name} for name in _tags(mapped.tags)]
    for name, (field, list_, _) in CODED.items():
        if code := _code(list_, values.get(field, "")):
            made[name] = code
    if made.get("open_type", "conditional") not in ("unconditional", "conditional"):
        made["open_type"] = "conditional"
    made |= {name: values[name] for name in TEXTS if values.get(name)}
    made |= {name: day for name in DATES if (day := _day(values.get(name, "")))}
    return made


def _says_nothing_new(
    session: Session, known: Mapping[str, Any], state: State, said: Mapping[str, Any]
) -> bool:
    """True when a record says in our words what it said when it was written.

    What was written before that was noted is compared with the dataset itself.
    """
    if known.get("said_hash") is not None:
        return bool(known["said_hash"] == _hash(said))
    package_id = str(known["record_id"])
    if state is State.PUBLISHED and waiting_revision(session, package_id) is not None:
        return False
    stored = _shown(package_id)
    return says_the_same(
        stored, {**said, "resources": _with_files(session, said["resources"], stored)}
    )


def _hash(said: Mapping[str, Any]) -> str:
    text = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return sha256(text.encode()).hexdigest()


def says_the_same(stored: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    """True when writing what a record says would change nothing of what is stored."""
    return all(_compared(stored, name) == _compared(said, name) for name in said)


def _compared(data: Mapping[str, Any], name: str) -> Any:
    """What counts of a field when a dataset is compared with what its source says."""
    if name == "tags":
        return sorted(str(tag["name"]) for tag in data.get("tags") or ())
    if name == "resources":
        return [_link(each) for each in data.get("resources") or ()]
    return data.get(name) or ""


def _link(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """A resource as sources state it; CKAN writes the formats that it knows in its own way."""
    texts = {name: str(resource.get(name) or "") for name in RESOURCE_TEXTS}
    texts["format"] = str(tk.h.unified_resource_format(texts["format"]))
    return (str(resource.get("id")), *texts.values())


def _with_files(
    session: Session, said: Sequence[Mapping[str, Any]], stored: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What the source offers now, with the files that are here already.

    A file that was fetched keeps its place; one that the source no longer offers goes. Files that
    people here have put beside them stay.
    """
    here = {
        str(each["id"]): each for each in stored["resources"] if each.get("url_type") == "upload"
    }
    offered = [
        {**here[each["id"]], **{name: text for name, text in each.items() if name != "url"}}
        if each["id"] in here
        else dict(each)
        for each in said
    ]
    beside = here.keys() - {each["id"] for each in offered}
    gone = files_store.fetched(session, sorted(beside)) if beside else set()
    return [*offered, *(dict(here[name]) for name in here if name in beside - gone)]


def _code(list_: str, text: str) -> str | None:
    """The code of a term; of several the first that is known."""
    known = vocabulary(list_)
    parts = [text, *(part.strip() for part in text.replace("、", ",").split(","))]
    return next((code for part in parts if part and (code := known.code_of(part))), None)


def _day(text: str) -> str | None:
    """The day in Asia/Shanghai that a text names; of two days the first."""
    for said in (text, text.strip()[:ISO_DAY]):
        with suppress(BadDateError):
            return read_date(said).isoformat()
    return None


def _tags(words: Sequence[str]) -> list[str]:
    """Words that CKAN takes for tags, each once."""
    least, most = TAG_CHARACTERS
    tidy = (
        " ".join("".join(c if c.isalnum() or c in "-_. " else " " for c in word).split())[:most]
        for word in words
    )
    return list(dict.fromkeys(word for word in tidy if len(word) >= least))[:MOST_TAGS]


def _resources(package_id: str, mapped: Mapped) -> list[dict[str, str]]:
    """Links to what the source offers, each under an id that stays."""
    made, seen = [], set[str]()
    for one in mapped.resources:
        resource = {name: one[name] for name in RESOURCE_TEXTS if one.get(name)}
        url = resource.get("url", "")
        if not url or url in seen:
            continue
        seen.add(url)
        made.append({**resource, "id": str(uuid5(SPACE, f"{package_id}\n{url}"))})
    return made


# --- taking away --------------------------------------------------------------------------------


def remove(session: Session, bounds: Bounds, gone: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Deletes drafts, which can be restored; what is public is proposed for withdrawal.

    Returns:
        state by guid: removed, withdrawal_proposed, or missing for what is under review.
    """
    states = {}
    for row in gone:
        package = model.Package.get(str(row["record_id"]))
        state = datasets.state_of(package.id) if package is not None else State.DELETED
        if state is State.PUBLISHED:
            states[str(row["guid"])] = "withdrawal_proposed"
        elif state in rules.UNDER_REVIEW:
            states[str(row["guid"])] = "missing"
        else:
            states[str(row["guid"])] = "removed"
            if package is not None and package.state != "deleted":
                _delete(session, package)
    return states


def _delete(session: Session, package: model.Package) -> None:
    review_store.set_record_state(session, PACKAGE, package.id, State.DELETED.value)
    datasets_store.enqueue(session, [package.id])
    package.state = "deleted"
