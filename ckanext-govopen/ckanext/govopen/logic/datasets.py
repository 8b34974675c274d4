"""Open datasets: drafts, what may be changed when, and what the system alone writes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy.orm import Session

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.domain import review as rules
from ckanext.govopen.domain.review import Move, State
from ckanext.govopen.logic import files, labels, links, names
from ckanext.govopen.logic.errors import absent, gone, refuse
from ckanext.govopen.logic.fetch import parts_of
from ckanext.govopen.logic.intake import field_of
from ckanext.govopen.logic.roles import user_of
from ckanext.govopen.logic.vocab import vocabulary
from ckanext.govopen.model import datasets as store
from ckanext.govopen.model import review as review_store

LINK_SCHEMES = ("http", "https")
TITLE_CHARACTERS = 500
DERIVED = ("stat", "review")  # added on show, never stored
OWN_OF_DRAFT = ("type", "owner_org", "entry_codes")  # said by the entries alone


def state_of(package_id: str) -> State:
    """The state in the database; a package without a row counts as a draft."""
    row = review_store.review(model.Session, "package", package_id)
    return State(row["state"]) if row else State.DRAFT


def readable(
    context: Mapping[str, Any], reference: object, named_by: str = "package"
) -> model.Package:
    """The dataset that a reference names, when the user of the context may read it.

    Args:
        reference: id or name of a dataset, or id of a part of it.
        named_by: package, resource, view or activity.

    Raises:
        tk.ObjectNotFound: it may not be read, or there is none: the same answer, by the same
            statements.
    """
    wanted = reference if isinstance(reference, str) else ""
    standing = store.standing(model.Session, wanted, named_by)
    if not context.get("ignore_auth") and not labels.may_read(user_of(context), standing):
        unreadable(standing)
    if standing is None:
        absent()
    return model.Package.get(standing["id"])


def readable_all(context: Mapping[str, Any], names: Sequence[object]) -> list[model.Package]:
    """As `readable`, for several: all of them in their order, or the refusal of the first."""
    wanted = [name if isinstance(name, str) else "" for name in names]
    found = store.standings(model.Session, wanted)
    hidden = labels.unreadable_among(user_of(context), found)
    known = {standing[key]: standing["id"] for standing in found for key in ("name", "id")}
    if hidden and not context.get("ignore_auth"):
        unreadable(hidden[0])
    if not set(wanted) <= set(known):
        absent()
    ids = [known[name] for name in wanted]
    packages = model.Session.query(model.Package).filter(model.Package.id.in_(ids))
    by_id = {package.id: package for package in packages}
    return [by_id[package_id] for package_id in ids]


def require_page(id_or_name: str, resource_id: str | None = None) -> None:
    """Lets a page about a dataset through for the signed-in person, or a visitor, who may read it.

    A resource counts only under the dataset that it belongs to.

    Raises:
        tk.ObjectNotFound: as `readable`.
    """
    user = tk.current_user if tk.current_user.is_authenticated else None
    standing, has_resource = store.standing_with(model.Session, id_or_name, resource_id)
    if not labels.may_read(user, standing):
        unreadable(standing)
    if not has_resource:
        absent()


def may_have_file(id_or_name: str) -> bool:
    """True when the signed-in person, or a visitor, may also have the files of what they read."""
    user = tk.current_user if tk.current_user.is_authenticated else None
    standing = store.standing(model.Session, id_or_name)
    return standing is None or labels.may_have_files(user, standing)


def unreadable(standing: Mapping[str, Any] | None) -> NoReturn:
    """Raises absent, or gone where a tombstone may be shown."""
    if standing is not None and standing["review_state"] == State.WITHDRAWN.value:
        ground = str(standing["withdrawn_ground"])
        if rules.tombstone_status(ground) == 410:
            gone(ground, str(standing["withdrawn_at"])[:10])
    absent()


def require_editable(
    context: Mapping[str, Any], reference: object, named_by: str = "package"
) -> model.Package:
    """Lets through who may change a dataset in its present state.

    Raises:
        tk.ObjectNotFound: it may not be read.
        tk.NotAuthorized: it may be read but not changed by this user.
        tk.ValidationError: `review.E11` under review, `review.E12` published.
    """
    package = readable(context, reference, named_by)
    tk.check_access("package_update", dict(context), {"id": package.id})
    require_open_state(package.id)
    return package


def require_open_state(package_id: str) -> None:
    """Refuses a change of what is under review, public or deleted."""
    state = state_of(package_id)
    allowed = [move.value for move in rules.allowed_moves(state)]
    if state is State.PUBLISHED:
        refuse("review.E12", value=state.value, allowed=allowed)
    if state in rules.UNDER_REVIEW:
        refuse("review.E11", value=state.value, allowed=allowed)
    if state is State.DELETED:
        absent()


def reopen(package_id: str) -> None:
    """An edit makes a draft again of what came back, was withheld or was withdrawn."""
    state = state_of(package_id)
    if state in rules.EDITABLE and state is not State.DRAFT:
        after = rules.next_state(state, Move.REOPEN)
        review_store.set_record_state(model.Session, "package", package_id, State(after).value)


def _free_name(unit_slug: str, title: str) -> str:
    """A name that no dataset has: in a large series of one title two would meet by chance."""
    chance = random.SystemRandom()
    while True:
        name = names.dataset_name(unit_slug, title, chance)
        if not model.Session.query(model.Package.id).filter(model.Package.name == name).first():
            return name


def prepare_new(data: dict[str, Any]) -> list[files.ResourceFile]:
    """Makes what a client sent into a draft: private, with a name of ours, without system fields.

    Returns:
        the uploaders of its resources, in their order.
    """
    unit = model.Group.get(data["owner_org"]) if isinstance(data.get("owner_org"), str) else None
    data["name"] = _free_name(unit.name if unit else "unit", str(data.get("title") or ""))
    data["private"] = True
    data["state"] = "draft" if data.get("state") == "draft" else "active"
    for name in (*DERIVED, "plugin_data", "relationships_as_object", "relationships_as_subject"):
        data.pop(name, None)
    _require_short_title(data)
    data["resources"] = [dict(resource) for resource in data.get("resources") or []]
    files.guard_fields(data["resources"], {})
    uploads = [files.ResourceFile(resource) for resource in data["resources"]]
    require_web_links(data["resources"])
    return uploads


def prepare_change(package: model.Package, data: dict[str, Any], stored: Mapping[str, Any]) -> None:
    """Puts back what a client may not change."""
    data["private"] = True
    data["name"] = package.name
    if data.get("state") not in ("active", "draft") or package.state == "active":
        data["state"] = package.state
    for name in (*DERIVED, "plugin_data", "relationships_as_object", "relationships_as_subject"):
        data.pop(name, None)
    _require_short_title(data)
    if isinstance(data.get("resources"), list):
        known = {str(resource["id"]): resource for resource in stored.get("resources", [])}
        files.guard_fields(data["resources"], known)
        require_web_links([r for r in data["resources"] if r != known.get(str(r.get("id")))])


def _require_short_title(data: Mapping[str, Any]) -> None:
    """CKAN indexes titles whole, and the database takes only so much."""
    length = len(str(data.get("title") or ""))
    if length > TITLE_CHARACTERS:
        refuse("datasets.E9", "title", str(length), most=TITLE_CHARACTERS)


def require_web_links(resources: Sequence[Mapping[str, Any]]) -> None:
    """A resource without an uploaded file is a link to the web."""
    for resource in resources:
        url = str(resource.get("url") or "")
        is_file = resource.get("url_type") == "upload" or resource.get("upload")
        if not is_file and url and not _is_web_link(url):
            refuse("datasets.E6", "url", url[:200])


def _is_web_link(url: str) -> bool:
    """True of an address with a host; CKAN can show no dataset with `http://[x`, nor index it."""
    parts = parts_of(url)
    return parts.scheme in LINK_SCHEMES and bool(parts.hostname)


def bind_files(package_id: str, uploads: Sequence[files.ResourceFile]) -> None:
    """Ties stored bytes to the resources of a new package, which have their ids now."""
    found = (
        model.Session.query(model.Resource.id)
        .filter_by(package_id=package_id, state="active")
        .order_by(model.Resource.position)
    )
    for (resource_id,), upload in zip(found, uploads, strict=True):
        upload.upload(resource_id)


def begin(package_id: str) -> None:
    """The rows beside a new package: its review, its derived values, its place in the outbox."""
    session = model.Session
    store.stamp_created(session, package_id)
    review_store.add_draft(session, "package", package_id)
    store.refresh_stats(session, [package_id])
    store.enqueue(session, [package_id])


def with_derived(shown: dict[str, Any]) -> dict[str, Any]:
    """Adds derived values and the state of the review to a dataset that is shown."""
    session = model.Session
    stat = store.stats(session, [shown["id"]]).get(shown["id"])
    row = review_store.review(session, "package", shown["id"])
    shown["stat"] = _plain(stat) if stat else {}
    shown["stat"]["links"] = links.of_dataset(session, shown["id"])
    shown["review"] = {
        "state": row["state"] if row else State.DRAFT.value,
        "step": row["step"] if row else None,
        "case_id": row["case_id"] if row else None,
        "published_at": row["published_at"].isoformat() if row and row["published_at"] else None,
    }
    return shown


def _plain(stat: Mapping[str, Any]) -> dict[str, Any]:
    shown = {}
    for name, value in stat.items():
        if name in ("package_id", "updated_at"):
            continue
        shown[name] = value.isoformat() if hasattr(value, "isoformat") else value
    return shown


def draft_of(entries: Sequence[Mapping[str, Any]], values: Mapping[str, Any]) -> dict[str, Any]:
    """A draft dataset pre-filled from one inventory entry, or from several that belong together.

    Args:
        values: what the client adds or says otherwise; never the unit, the entries or the id.
    """
    first = entries[0]
    content = first["active_fields"] or first["fields"]
    draft = {
        "type": "dataset",
        "title": first["name"],
        "notes": content.get("abstract") or first["name"],
        "owner_org": first["unit_id"],
        "entry_codes": [entry["entry_code"] for entry in entries],
        "res_code": ", ".join(entry["res_code"] for entry in entries if entry["res_code"]),
        "open_type": first["open_type"] or "unconditional",
        "open_condition": content.get("open_condition") or "",
        "update_cycle": first["update_cycle"] or "irregular",
        "license_id": _licence(entries),
        "data_domain": content.get("data_domain") or "other",
        "temporal_end": content.get("coverage_end") or "",
        "items": _opened_items(content.get("items") or []),
    }
    if draft["open_type"] == "conditional":
        draft["license_id"] = "yz-conditional"
    own = {name: draft[name] for name in OWN_OF_DRAFT}
    return {name: value for name, value in {**draft, **values, **own}.items() if name != "id"}


def _opened_items(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items that go into a dataset: a withheld one does only where it is masked."""
    return [
        {name: _as_choice(value) for name, value in item.items()}
        for item in items
        if item.get("open_type") != "withheld" or item.get("mask_rule")
    ]


def _as_choice(value: object) -> object:
    """Truth values as the codes of `yes_no`, which the form of a dataset offers."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _licence(entries: Sequence[Mapping[str, Any]]) -> str:
    """The licence that the source of the entries states, else the city's own.

    One that nobody knows here, or several, is `notspecified`: whoever drafts has to choose.
    """
    stated = {
        text.strip()
        for entry in entries
        for heading, text in (entry["active_fields"] or entry["fields"]).get("source_fields") or []
        if field_of(heading) == "licence" and text.strip()
    }
    known = {vocabulary("licence").code_of(text) or "notspecified" for text in stated}
    if not known:
        return "yz-odl-1.0"
    return known.pop() if len(known) == 1 else "notspecified"


def require_entries(codes: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """The inventory rows of these codes: active, not withheld and on no negative list.

    Raises:
        tk.ValidationError: `inventory.E1`, `datasets.E2`, `datasets.E11`, naming the code.
    """
    found = {str(row["entry_code"]): row for row in store.entries(model.Session, codes)}
    for code in codes:
        row = found.get(code)
        if row is None or row["status"] != "active":
            refuse("inventory.E1", "entries", code)
        if row["open_type"] == "withheld":
            refuse("datasets.E2", "entries", code)
        if row["is_negative"]:
            refuse("datasets.E11", "entries", code)
    return found


def make_public(session: Session, package_ids: Sequence[str]) -> None:
    """Shows approved packages: the one statement at which the guard asks for their approval.

    Raises:
        tk.ValidationError: `datasets.E2` one of them opens an entry that was withheld meanwhile,
            `datasets.E11` one that a negative list covers by now, `inventory.E2` its unit was
            dissolved meanwhile.
    """
    for code in store.negative_entries(session, package_ids):
        refuse("datasets.E11", "entries", code)
    for unit in store.dissolved_units(session, package_ids).values():
        refuse("inventory.E2", "owner_org", unit)
    for code in store.withheld_entries(session, package_ids):
        refuse("datasets.E2", "entries", code)
    review_store.set_private(session, package_ids, private=False)
