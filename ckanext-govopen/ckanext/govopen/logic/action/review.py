"""The review as actions: submit, read, decide, withdraw, hide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock
from ckanext.govopen.domain import datasets as dataset_rules
from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.review import Decision, Move, State
from ckanext.govopen.logic import (
    case_scan,
    checklist,
    dataset_checks,
    datasets,
    hiding,
    purge,
    refresh,
    review,
    revisions,
    scans,
    search,
)
from ckanext.govopen.logic.cases import readable as readable_case
from ckanext.govopen.logic.cases import scope_of
from ckanext.govopen.logic.dates import start_of
from ckanext.govopen.logic.errors import (
    no_unknown,
    page_limit,
    prose,
    refuse,
    refuse_all,
    sentence,
    text,
    whole,
)
from ckanext.govopen.logic.paging import cursor_of, page
from ckanext.govopen.logic.roles import (
    actor_of,
    has_browser_session,
    is_sysadmin,
    officer_units,
    review_scope,
    user_of,
)
from ckanext.govopen.logic.transactions import all_or_nothing
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import consultations as consultation_store
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import refresh as refresh_store
from ckanext.govopen.model import review as review_store
from ckanext.govopen.model import revisions as revision_store

__all__ = [
    "govopen_review_decide",
    "govopen_review_list",
    "govopen_review_recall",
    "govopen_review_show",
    "govopen_review_submit",
]

SUBMITTED = ("datasets", "revisions", "rules", "case")
INSIDE = ("cursor", "told")  # of the row of a case; `govopen_scan_show` says what was told
DECISION_PARTS = ("checklist", "approved_on", "submission")
MOVES = {"approve": Move.APPROVE, "return": Move.RETURN, "withhold": Move.WITHHOLD}


def govopen_review_submit(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Sends draft datasets and revisions into review, or a prepared case of a register.

    Args:
        datasets: ids or names of drafts of units that you keep; several make one batch case.
        revisions: ids of pending revisions of public datasets, alone or beside drafts.
        rules: ids of refresh rules; those proposed for the datasets go with them by themselves.
        case: id of a case that was opened before (an import of the inventory).
        title, reason: shown to the reviewers; optional.
        checklist: one's own answers to the form of the secrecy review, `{code: yes or no}`;
            optional.
        publish_at: date, or instant with offset, before which it is not public; optional.

    Returns:
        `{id, state, step, records, refusals, warnings}`; the last two as `govopen_scan_show` tells
        them of the case, empty while its scan runs.
    """
    no_unknown(data_dict, *SUBMITTED, "title", "reason", "checklist", "publish_at")
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    answers = checklist.answers_of(data_dict.get("checklist"))
    until = _embargo(data_dict.get("publish_at"))
    with all_or_nothing():
        case_id = (
            _prepared_case(context, text(data_dict, "case"))
            if data_dict.get("case")
            else _new_case(context, data_dict, user.id)
        )
        review.submit_case(model.Session, case_id, user.id, answers=answers, embargo_until=until)
    model.repo.commit()
    case_scan.begin(model.Session, case_id)
    summary = _summary(case_id)
    search.follow(context, summary["records"])
    return {**summary, **_told(user, case_id)}


def _told(user: Any, case_id: str) -> dict[str, list[dict[str, Any]]]:
    """What the checks told of the data of a case that was just handed in."""
    case = review_store.case(model.Session, case_id)
    told = dataset_checks.of_case(model.Session, case, ()) if case else []
    found = dataset_checks.views(model.Session, user, told)
    return {**found, "warnings": dataset_checks.together(model.Session, found["warnings"])}


def _embargo(value: object) -> datetime | None:
    """The earliest publication: an instant, or a date that begins at 00:00 in the site's zone.

    Raises:
        tk.ValidationError: `review.E19`.
    """
    if not value:
        return None
    until = start_of(value)
    if until is None or until <= clock.now():
        refuse("review.E19", "publish_at", str(value)[:40])
    return until


def _prepared_case(context: Any, case_id: str) -> str:
    case = readable_case(context, case_id)
    user = user_of(context)
    if user is None or case["created_by"] != user.id:  # who prepared it may hand it in
        for unit_id in case["unit_ids"]:
            tk.check_access("govopen_review_submit", dict(context), {"unit_id": unit_id})
    return case_id


def _new_case(context: Any, data_dict: Mapping[str, Any], user_id: str) -> str:
    packages = datasets.readable_all(context, _names(data_dict, "datasets"))
    changed = [revisions.readable(context, each) for each in _names(data_dict, "revisions")]
    wanted_rules = [refresh.readable(context, each) for each in _names(data_dict, "rules")]
    others = [*changed, *wanted_rules]
    if not packages and not others:
        refuse("review.E13", "datasets", "–")
    owners = [package.owner_org for package in packages] + [row["owner_org"] for row in others]
    units = sorted(set(map(str, owners)))
    for unit_id in units:
        tk.check_access("govopen_review_submit", dict(context), {"unit_id": unit_id})
    _require_sound(packages, changed)
    for package in packages:
        package.state = "active"  # a form that was left half-way is whole now: the checks say so
    model.Session.flush()
    titles = [package.title for package in packages] + [row["title"] for row in others]
    if len(units) > 1:  # each unit reads the case, and of the records its own
        titles[0] = tk._("Datasets of {count} units").format(count=len(units))
    concerned = [str(package.id) for package in packages] + [row["package_id"] for row in changed]
    rule_ids = {row["id"] for row in wanted_rules}
    rule_ids.update(refresh_store.drafts_of(model.Session, concerned))
    return review.open_case(
        model.Session,
        kind="dataset" if len(titles) == 1 else "batch",
        title=prose(data_dict, "title") or titles[0],
        unit_ids=units,
        records=[
            *(("package", str(package.id)) for package in packages),
            *((revisions.KIND, str(row["id"])) for row in changed),
            *((refresh.KIND, rule_id) for rule_id in sorted(rule_ids)),
        ],
        actor=user_id,
        reason=prose(data_dict, "reason") or None,
    )


def _require_sound(packages: Sequence[model.Package], changed: Sequence[Mapping[str, Any]]) -> None:
    """Refuses what may not be submitted, by its description and then by its data.

    The data are scanned for it; a file too large for that is looked at when its scan has ended,
    and then nobody approves it.
    """
    if found := check_datasets(packages):
        refuse_all(found)
    ids = [str(package.id) for package in packages] + [str(row["id"]) for row in changed]
    records = scans.scan(model.Session, ids) if ids else []
    refused = dataset_checks.refusals(model.Session, records)
    model.repo.commit()  # what was read stays read, also of a submission that is refused
    if refused:
        refuse_all(refused)


def _names(data_dict: Mapping[str, Any], name: str) -> list[Any]:
    """A parameter that is one name or a list of them, without repetitions."""
    wanted = data_dict.get(name) or []
    if isinstance(wanted, str):
        return [wanted]
    if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
        raise tk.ValidationError({name: [tk._("Give a list of names or ids")]})
    return list(dict.fromkeys(wanted))


def check_datasets(packages: Sequence[model.Package]) -> list[Finding]:
    """Findings that stand in the way of submitting drafts."""
    ids = [package.id for package in packages]
    store.refresh_stats(model.Session, ids)
    stats = store.stats(model.Session, ids)
    codes = sorted({code for stat in stats.values() for code in stat["entry_codes"]})
    entries = {str(row["entry_code"]): row for row in store.entries(model.Session, codes)}
    gone = dict.fromkeys(ids) | store.dissolved_units(model.Session, ids)
    named = [(one.id, str(one.owner_org), str(one.title)) for one in packages]
    twins = store.twins(model.Session, named) if named else set()
    return [
        finding
        for package in packages
        for finding in dataset_rules.check(
            replace(
                _facts(package, stats[package.id], entries),
                dissolved_unit=gone[package.id],
                has_twin=package.id in twins,
            )
        )
    ]


def _facts(
    package: model.Package, stat: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]
) -> dataset_rules.Dataset:
    extras = package.extras or {}
    rows = {code: entries[code] for code in stat["entry_codes"] if code in entries}
    contents = [row["active_fields"] or {} for row in rows.values()]
    return dataset_rules.Dataset(
        name=package.title or package.name,
        open_type=extras.get("open_type"),
        open_condition=extras.get("open_condition"),
        license_id=package.license_id,
        entry_codes=list(stat["entry_codes"]),
        entries={code: (str(row["status"]), row["open_type"]) for code, row in rows.items()},
        is_machine_readable=bool(stat["machine_readable"]),
        sensitivities=[str(content.get("sensitivity") or "L1") for content in contents],
        negative=[code for code, row in rows.items() if row["is_negative"]],
        title=package.title,
        update_cycle=extras.get("update_cycle"),
        temporal_end=extras.get("temporal_end"),
    )


def govopen_review_recall(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Takes a submission back before it is decided, so that its records can be changed again."""
    no_unknown(data_dict, "id")
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    case = readable_case(context, text(data_dict, "id"))
    for unit_id in case["unit_ids"]:
        tk.check_access("govopen_review_submit", dict(context), {"unit_id": unit_id})
    return committed(
        context, lambda: review.recall_case(model.Session, str(case["id"]), user.id), case
    )


def committed(context: Any, act: Any, case: Mapping[str, Any]) -> dict[str, Any]:
    with all_or_nothing():
        act()
    model.repo.commit()
    refresh.take_up(context, str(case["id"]))
    summary = _summary(str(case["id"]))
    search.follow(context, summary["records"])
    return summary


def _summary(case_id: str) -> dict[str, Any]:
    found = review_store.records(model.Session, case_id)
    return {
        "id": case_id,
        "state": str(found[0]["state"]) if found else State.DRAFT.value,
        "step": found[0]["step"] if found else None,
        "records": len(found),
    }


@tk.side_effect_free
def govopen_review_list(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Cases of one's units, newest first; `open=true` only those that wait for a decision."""
    tk.check_access("govopen_review_list", context, data_dict)
    no_unknown(data_dict, "open", "limit", "cursor", "include_total")
    user = user_of(context)
    if user is None:
        raise tk.NotAuthorized
    scope = None if is_sysadmin(context) else review_scope(user.id)
    only_open = tk.asbool(data_dict.get("open", False))
    limit = page_limit(data_dict)
    after = "".join(cursor_of(data_dict))
    kept = officer_units(user.id)
    rows = review_store.cases(
        model.Session, scope, kept, only_open=only_open, after=after, limit=limit + 1
    )
    result = page(rows, limit, lambda row: (row["cursor"],), _case_view)
    if tk.asbool(data_dict.get("include_total", False)):
        result["total"] = review_store.count_cases(model.Session, scope, kept, only_open=only_open)
    return result


def _case_view(row: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name not in INSIDE}
    for name in ("created_at", "submitted_at", "closed_at", "embargo_until"):
        shown[name] = shown[name].isoformat() if shown.get(name) else None
    return shown


@tk.side_effect_free
def govopen_review_show(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """One case with its records, hashes and opinions, and what the reader may do with it."""
    tk.check_access("govopen_review_show", context, data_dict)
    no_unknown(data_dict, "id")
    case = readable_case(context, text(data_dict, "id"))
    found = review_store.records(model.Session, str(case["id"]))
    shown = _case_view(case)
    owners = _owners_seen(context, found)
    ids = [str(row["record_id"]) for row in found if row["record_type"] == "package"]
    shown["records"] = [_record_view(row, owners.get(str(row["record_id"]))) for row in found]
    shown["opinions"] = [
        _plain(row) for row in review_store.opinions(model.Session, str(case["id"]))
    ]
    shown["state"] = str(found[0]["state"]) if found else None
    shown["step"] = found[0]["step"] if found else None
    shown["steps"] = list(case["steps"]) or list(rules.steps_of(str(case["kind"])))
    shown["submission"] = review_store.newest_submission(model.Session, str(case["id"]))
    shown["consultations"] = [
        _plain(row) for row in consultation_store.of_case(model.Session, str(case["id"]))
    ]
    shown["remaining"] = purge.remaining(model.Session, ids)
    seen = [each for each in ids if each in owners]
    shown["hidings"] = hiding.waiting(model.Session, None, seen)
    shown["can"] = _can(context, case, found)
    return shown


def _owners_seen(context: Any, found: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Names and units of records, by record; of a case of several units only one's own."""
    ids = [str(row["record_id"]) for row in found if row["record_type"] == "package"]
    owners = dict(store.owners(model.Session, ids))
    for row in revision_store.revisions(model.Session, revisions.ids_of(found)):
        owners[str(row["id"])] = row
    scope = scope_of(context)
    return {name: row for name, row in owners.items() if scope is None or row["owner_org"] in scope}


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


def _record_view(row: Mapping[str, Any], owner: Mapping[str, Any] | None) -> dict[str, Any]:
    shown = {
        "record_type": row["record_type"],
        "record_id": row["record_id"],
        "state": row["state"],
        "content_hash": row["current_hash"],
        "submitted_hash": row["submitted_hash"],
        "is_unchanged": row["current_hash"] == row["submitted_hash"],
    }
    if owner:
        shown.update(name=owner["name"], title=owner["title"], unit_id=owner["owner_org"])
    if row["record_type"] == revisions.KIND and owner:
        shown.update(package_id=owner["package_id"], note=owner["note"])
    return shown


def _can(
    context: Any, case: Mapping[str, Any], found: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the reader may decide now, and why not: the page shows the same words as the refusal."""
    if not found:
        return {
            "decide": False,
            "return": False,
            "ask": False,
            "answer": False,
            "why": [],
            "hints": [],
        }
    actor = actor_of(context, list(case["unit_ids"]))
    view = review.view_of(model.Session, case, found)
    answers = dict.fromkeys((point.code for point in view.points), False)
    answer = rules.decide(view, actor, Decision(Move.APPROVE, "–", checklist=answers))
    refused = answer if isinstance(answer, tuple) else ()
    returns = rules.decide(view, actor, Decision(Move.RETURN, "–"))
    return {
        "decide": not refused,
        "return": not isinstance(returns, tuple),
        "withhold": rules.withholds(view, actor),
        "propose": view.step == rules.PROPOSING_STEP and not isinstance(returns, tuple),
        "ask": not rules.ask_aside(view, actor, Move.CONSULT),
        "answer": not rules.answer_aside(view, actor),
        "covers": list(rules.covered_by(view, actor)),
        "why": [finding.code for finding in refused],
        "hints": [sentence(finding) for finding in refused],
        "roles": sorted(actor.roles),
        "deputy_for": dict(actor.deputy_for),
    }


def govopen_review_decide(context: Any, data_dict: dict[str, Any]) -> dict[str, Any]:
    """Approves, returns or withholds a case; needs a signed-in browser session.

    Args:
        id: the case.
        decision: approve, return or withhold; the leader's step withholds, the first one proposes.
        reason: the opinion; required to return or withhold.
        ground: one of the vocabulary `hidden_ground`; required to withhold.
        checklist: `{code: yes or no}` for every question of the vocabulary `review_checklist`;
            required of whoever covers the secrecy review.
        approved_on: date on which the register authority approved; with its step only.
        submission: of `govopen_review_show`; refused when it was submitted anew since; optional.

    Returns:
        `{id, state, step}`; an approval of the last step publishes at once, or at its time.
    """
    no_unknown(data_dict, "id", "decision", "reason", "ground", *DECISION_PARTS)
    tk.check_access("govopen_review_decide", context, data_dict)
    if user_of(context) is not None and not has_browser_session(context):
        refuse("review.E10")
    case = readable_case(context, text(data_dict, "id"))
    move = MOVES.get(text(data_dict, "decision"))
    if move is None:
        raise tk.ValidationError({"decision": [tk._("One of: approve, return, withhold")]})
    decision = Decision(
        move,
        prose(data_dict, "reason") or None,
        _ground(data_dict.get("ground")),
        checklist.answers_of(data_dict.get("checklist")),
        _approved_on(data_dict.get("approved_on")),
    )
    actor = actor_of(context, list(case["unit_ids"]))
    seen = _submission(data_dict)
    return committed(
        context,
        lambda: review.decide(model.Session, str(case["id"]), actor, decision, seen),
        case,
    )


def _submission(data_dict: Mapping[str, Any]) -> int | None:
    """The submission that a person has seen; None where it is not said."""
    given = data_dict.get("submission")
    seen = whole(given) if given else None
    if given and seen is None:
        raise tk.ValidationError({"submission": [tk._("Missing value, or not one string")]})
    return seen


def _ground(value: object) -> str | None:
    grounds = vocabulary("hidden_ground")
    if value and str(value) not in grounds:
        refuse("vocab.E1", "ground", str(value)[:40], allowed=", ".join(grounds.codes))
    return str(value) if value else None


def _approved_on(value: object) -> date | None:
    if not value:
        return None
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        day = None
    if day is None or day > clock.today():
        refuse("date.E1", "approved_on", str(value)[:40])
    return day
