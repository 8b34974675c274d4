"""Two sibling units, everything that may be hidden in one of them, and everybody who may ask.

Each dataset stands in another state and carries a word of its own in every field, so that a text
found anywhere names the dataset and the field that leaked.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from flask import Flask
from publishing_kit import Office, upload
from surfaces import rules

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.activity.model import Activity
from ckanext.govopen import clock, config
from ckanext.govopen.logic import accounts
from ckanext.govopen.logic.accounts import APPROVER_ROLES, NewAccount
from ckanext.govopen.model import harvest as harvest_store
from ckanext.govopen.model import review as review_store

# state -> who reads a dataset in it: its unit's officers, those who review for the unit
READERS = {
    "draft": {"officers", "auditor", "sysadmin"},
    "returned": {"officers", "auditor", "sysadmin"},
    "submitted": {"officers", "reviewers", "auditor", "sysadmin"},
    "withheld": {"officers", "reviewers", "auditor", "sysadmin"},
    "approved": {"officers", "reviewers", "auditor", "sysadmin"},
    "embargoed": {"officers", "reviewers", "auditor", "sysadmin"},
    "withdrawn": {"officers", "reviewers", "auditor", "sysadmin"},
    "silenced": {"officers", "reviewers", "auditor", "sysadmin"},
    "deleted": {"sysadmin"},
}
# role -> group of READERS it belongs to; None reads nothing that is hidden
ROLES: dict[str, str | None] = {
    "visitor": None,
    "nobody": None,
    "b-editor": None,
    "b-admin": None,
    "b-reviewer": None,
    "p-admin": None,
    "a-member": None,
    "harvest": None,
    "expired": None,
    "revoked": None,
    "downgraded": None,
    "a-editor": "officers",
    "a-editor2": "officers",
    "a-admin": "officers",
    "a-reading": "officers",
    "a-reviewer": "reviewers",
    "a-secrecy": "reviewers",
    "a-leader": "reviewers",
    "authority": "reviewers",
    "auditor": "auditor",
    "root": "sysadmin",
}
OUTSIDERS = tuple(role for role, group in ROLES.items() if group is None)
STATES = tuple(READERS)
# what waits beside a public dataset is read by whoever reads a draft of its unit
WAITING = "waiting"
# what a withdrawn dataset's address says is fixed; the other states say nothing at all
TOMBSTONE = "withdrawn"


def reads(role: str, state: str) -> bool:
    """True when a role may read a dataset of unit A in this state, or what waits beside one."""
    return ROLES[role] in READERS["draft" if state == WAITING else state]


@dataclass
class Dataset:
    """One dataset of unit A with the words that it carries."""

    state: str
    id: str
    name: str
    resource: str
    view: str
    tag: str
    case: str = ""
    activity: str = ""


@dataclass
class World:
    """Everything that the matrix asks about, and the headers of everybody who asks."""

    application: Flask
    a: Office
    b: Office
    p: Office
    mark: str
    datasets: dict[str, Dataset] = field(default_factory=dict)
    public: Dataset | None = None
    revision: str = ""
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    entry: str = ""
    unseen: str = ""
    hidden_entry: str = ""
    register: str = ""
    adjustment: str = ""
    list_import: str = ""
    harvest_source: str = ""
    harvest_job: str = ""
    harvest_guid: str = ""
    harvest_dead: str = ""
    group: str = ""
    methods: dict[str, frozenset[str]] = field(default_factory=dict)

    def word(self, state: str, where: str) -> str:
        """The word that stands in one field of the dataset in this state."""
        return f"{self.mark}{state}{where}"


def _mark() -> str:
    # no vowel and no digit: it is in no sentence, and one token for every analyser
    letters = random.SystemRandom().choices("bcdfghjkmnpqrstvwz", k=8)
    return "qx" + "".join(letters)


@contextmanager
def world(application: Flask) -> Iterator[World]:
    """The whole fixture, made once through the real actions."""
    one = World(application, Office(application), Office(application), Office(application), _mark())
    _open_units(one)
    _hire_everybody(one)
    _fill_inventory(one)
    _harvest(one)
    for state in STATES:
        one.datasets[state] = _dataset(one, state)
    one.public = _dataset(one, "public")
    one.revision = _revision(one, one.public)
    with application.test_request_context("/"):
        from ckanext.govopen.logic import search

        search.drain_all()
        model.Session.remove()
    one.methods = rules(application)
    for headers in one.headers.values():  # the first request of each notes when they were here
        application.test_client().get("/api/3/action/license_list", headers=headers)
    yield one


# --- units and people ----------------------------------------------------------------------------


def _open_units(one: World) -> None:
    with one.application.test_request_context("/"):
        one.p.open_unit()
        one.a.open_unit(one.p.unit_id)
        one.b.open_unit(one.p.unit_id)
        made = tk.get_action("group_create")(
            {"ignore_auth": True, "user": accounts.site_user()}, {"name": f"group-{one.a.mark}"}
        )
        one.group = made["name"]
        model.repo.commit()


def _hire_everybody(one: World) -> None:
    a, b = one.a, one.b
    for office in (a, b):
        office.hire("officer", ("info_officer",))
        office.hire("approver", APPROVER_ROLES)
    _account(one, b, "b-editor", ("info_officer",))
    _account(one, a, "a-editor2", ("info_officer",))
    _account(one, a, "nobody", ())
    _account(one, a, "a-reviewer", ("reviewer",))
    _account(one, a, "a-secrecy", ("secrecy_reviewer",))
    _account(one, a, "a-leader", ("leader",))
    _account(one, a, "authority", ("data_authority",), everywhere=True)
    _account(one, b, "b-reviewer", ("reviewer", "secrecy_reviewer", "leader"))
    _account(one, a, "auditor", ("auditor",), everywhere=True)
    _account(one, a, "harvest", ("harvest_service",))
    _account(one, a, "root", ("sysadmin",), is_sysadmin=True)
    for name, office, capacity in (
        ("a-member", a, "member"),
        ("a-admin", a, "admin"),
        ("b-admin", b, "admin"),
        ("p-admin", one.p, "admin"),
        ("downgraded", a, "editor"),
    ):
        _account(one, a, name, ())
        with one.application.test_request_context("/"):
            accounts.join_unit(a.name(name), office.unit_id, capacity)
    _hand_out_tokens(one)


def _account(
    one: World,
    office: Office,
    name: str,
    roles: tuple[str, ...],
    *,
    everywhere: bool = False,
    is_sysadmin: bool = False,
) -> None:
    account = NewAccount(one.a.name(name), one.word("person", name), roles, everywhere, is_sysadmin)
    with one.application.test_request_context("/"):
        accounts.make(account, office.unit_id, "test")
        user = model.User.get(account.name)
        user.about = one.word("person", "about")
        model.repo.commit()


def _hand_out_tokens(one: World) -> None:
    a = one.a
    owners = {role: role for role in ROLES if role not in ("visitor", "expired", "revoked")}
    owners |= {"a-editor": "officer", "a-reading": "officer"}
    for role, owner in owners.items():
        scope = "read" if role == "a-reading" else "submit"
        one.headers[role] = {"Authorization": a.token(owner, scope)}
    one.headers["visitor"] = {}
    one.headers["expired"] = {"Authorization": _token_of_yesterday(one)}
    one.headers["revoked"] = {"Authorization": _revoked_token(one)}
    with one.application.test_request_context("/"):
        accounts.leave_unit(a.user("downgraded").id, a.unit_id)


def _token_of_yesterday(one: World) -> str:
    """A token of an officer of unit A whose time is over: signed by the same key, `exp` past."""
    import jwt

    token = one.a.token("officer")
    key = tk.config["api_token.jwt.decode.secret"].removeprefix("string:")
    claims = jwt.decode(token, key, algorithms=["HS256"])
    return str(jwt.encode({**claims, "exp": claims["iat"] - 86400}, key, algorithm="HS256"))


def _revoked_token(one: World) -> str:
    token = one.a.token("officer")
    with one.application.test_request_context("/"):
        tk.get_action("api_token_revoke")(one.a.context("officer"), {"token": token})
    return token


# --- inventory -----------------------------------------------------------------------------------


def _fill_inventory(one: World) -> None:
    one.entry = one.a.add_entries(1)[0]
    one.b.add_entries(1)
    one.unseen = one.a.add_entries(
        1,
        catalog_visible=False,
        hidden_ground="secrecy",
        abstract=one.word("entry", "abstract") * 3,
        items=[{"name_zh": one.word("entry", "item"), "data_type": "C"}],
    )[0]
    with one.application.test_request_context("/"):
        found = tk.get_action("govopen_register_list")({}, {"unit": one.a.unit_id})
    one.register = found["items"][0]["id"]
    one.hidden_entry = one.a.add_entries(
        1,
        name=one.word("entry", "taken"),
        abstract=one.word("entry", "hidden") * 3,
        items=[{"name_zh": one.word("entry", "column"), "data_type": "C", "length": 9}],
    )[0]
    one.a.act_signed_in(
        "approver",
        "govopen_entry_hide",
        register=one.register,
        entry_code=one.hidden_entry,
        reason=one.word("entry", "why"),
    )
    one.adjustment = one.a.act(
        "officer",
        "govopen_register_draft_create",
        register_type="power_list",
        unit=one.a.unit_id,
        reason=one.word("entry", "adjustment"),
    )["id"]
    powers = f"权力名称,权力类型\n{one.word('entry', 'power')},行政许可\n"
    one.list_import = one.a.act(
        "officer",
        "govopen_register_import",
        upload=upload(powers.encode(), f"{one.word('entry', 'powers')}.csv"),
        register_type="power_list",
        unit=one.a.unit_id,
        dry_run=True,
    )["id"]


def _harvest(one: World) -> None:
    """A source of unit A, its run, a record of it and one that could not be taken."""
    from govopen_harvesters import runner

    word = one.word
    one.harvest_source, one.harvest_guid = f"s-{one.a.mark}", word("entry", "guid")
    rows = [f"{one.harvest_guid},{word('entry', 'harvested')}", f"{word('entry', 'dead')},"]
    folder = config.incoming_path()
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join(["编号,信息资源名称", *rows])
    (folder / f"{one.a.mark}.csv").write_text(text, encoding="utf-8")
    authority = one.a.context("authority")
    made = tk.get_action("govopen_harvest_source_create")(
        authority,
        {
            "name": one.harvest_source,
            "title": word("entry", "source"),
            "kind": "table",
            "unit": one.a.unit_id,
            "settings": {"path": f"{one.a.mark}.csv", "key": "编号"},
        },
    )
    job = tk.get_action("govopen_harvest_job_create")(authority, {"source": made["id"]})
    harvest_store.change_source(
        model.Session, made["id"], approved_by="somebody", approved_at=clock.now()
    )
    model.repo.commit()
    one.harvest_job = job["id"]
    runner.run(job["id"], is_patient=True)
    one.harvest_dead = harvest_store.dead(model.Session, made["id"], None, "", 1)[0]["id"]
    model.Session.remove()


# --- datasets ------------------------------------------------------------------------------------


def _dataset(one: World, state: str) -> Dataset:
    a, word = one.a, lambda where: one.word(state, where)
    table = f"{word('column')},n\n{word('cell')},1\n".encode()
    made = a.draft(
        data=table,
        filename=f"{word('file')}.csv",
        title=word("title"),
        notes=word("notes"),
        tags=[{"name": word("tag")}],
        contact_name=word("contact"),
        contact_email=f"{word('mail')}@yz.example",
        author=word("author"),
        author_email=f"{word('author')}@yz.example",
        industry=word("industry"),
        spatial=word("spatial"),
        items=[{"name_zh": word("item"), "data_type": "C"}],
    )
    a.act(
        "officer",
        "resource_create",
        package_id=made["id"],
        name=word("resource"),
        description=word("description"),
        format=word("format"),
        url=f"https://data.example.cn/{word('url')}.csv",
    )
    shown = a.act("officer", "package_show", id=made["id"])
    resource = shown["resources"][0]["id"]
    dataset = Dataset(
        state, made["id"], made["name"], resource, _view(one, resource, word("view")), word("tag")
    )
    dataset.activity = _activity(one, dataset, shown, public=False)
    _job_error(one, dataset, word("error"))
    _bring_to(one, dataset)
    return dataset


def _revision(one: World, public: Dataset) -> str:
    """A change of the public dataset that its unit has not handed in: its officers' own, as a draft."""
    made = one.a.act(
        "officer",
        "govopen_pending_revision_create",
        id=public.id,
        note=one.word(WAITING, "note"),
        title=one.word(WAITING, "title"),
        notes=one.word(WAITING, "notes"),
    )
    return str(made["id"])


def _view(one: World, resource: str, title: str) -> str:
    with one.application.test_request_context("/"):
        view = model.ResourceView(
            id=str(uuid4()), resource_id=resource, title=title, view_type="text_view", order=0
        )
        model.Session.add(view)
        model.Session.commit()
        return str(view.id)


def _activity(one: World, dataset: Dataset, shown: dict[str, Any], *, public: bool) -> str:
    """What CKAN would have written of the dataset at this moment."""
    with one.application.test_request_context("/"):
        labels = ["public"] if public else [f"gov-edit-{one.a.unit_id}"]
        row = Activity(
            one.a.user("officer").id,
            dataset.id,
            "changed package",
            {"package": shown, "actor": one.a.name("officer")},
            labels,
        )
        model.Session.add(row)
        model.Session.commit()
        return str(row.id)


def _job_error(one: World, dataset: Dataset, text: str) -> None:
    with one.application.test_request_context("/"):
        tk.get_action("task_status_update")(
            {"ignore_auth": True, "user": accounts.site_user()},
            {
                "entity_id": dataset.resource,
                "entity_type": "resource",
                "task_type": "load",
                "key": "table",
                "value": text,
                "error": text,
                "state": "error",
            },
        )


def _bring_to(one: World, dataset: Dataset) -> None:
    a, state = one.a, dataset.state
    if state == "draft":
        return
    if state == "deleted":
        a.act("officer", "package_delete", id=dataset.id)
        return
    dataset.case = a.submit(dataset.id)
    if state in ("returned", "withheld"):
        decision = {"returned": "return", "withheld": "withhold"}[state]
        _decide(one, dataset, decision)
    elif state in ("approved", "embargoed"):
        # nothing waits between approval and publication yet: the row is set as a clock would find it
        with one.application.test_request_context("/"):
            review_store.set_record_state(model.Session, "package", dataset.id, state)
            model.Session.commit()
    elif state in ("public", "withdrawn", "silenced"):
        a.approve(dataset.case)
        shown = a.act("officer", "package_show", id=dataset.id)
        dataset.activity = _activity(one, dataset, shown, public=True)
        if state != "public":
            ground = "error" if state == TOMBSTONE else "secrecy"
            reason = one.word(state, "reason")
            a.act(
                "officer",
                "govopen_publication_withdraw",
                id=dataset.id,
                ground=ground,
                reason=reason,
            )


def _decide(one: World, dataset: Dataset, decision: str) -> None:
    facts = {"reason": one.word(dataset.state, "opinion")}
    if decision == "withhold":
        facts["ground"] = "g14_secret"
    one.a.act_signed_in(
        "approver", "govopen_review_decide", id=dataset.case, decision=decision, **facts
    )


def absent_word() -> str:
    return "".join(random.SystemRandom().choices(string.ascii_lowercase, k=12))
