"""`ckan govopen account …`: the accounts of a fresh installation, and invitations without mail."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import ckan.model as model
from ckan.cli.user import set_password

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, trial
from ckanext.govopen.logic import accounts, findings, passwords

__all__ = ["account", "role"]

OWNER_ONLY = 0o600


def _setpass_by_the_rule(stock: Callable[..., None]) -> Callable[[str, str | None], None]:
    """`ckan user setpass` writes what it is given; here it is looked at first."""

    def setpass(username: str, password: str | None) -> None:
        user = model.User.get(username)
        if user is not None:
            password = password or click.prompt(
                "Password", hide_input=True, confirmation_prompt=True
            )
            found = passwords.fault(password, user.name, user.email, user.fullname)
            if found is not None:
                raise click.ClickException(findings.render(found))
        stock(username, password)

    return setpass


set_password.callback = _setpass_by_the_rule(set_password.callback)


@click.group()
def account() -> None:
    """Accounts (账号)."""


@account.command("bootstrap")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="File to write, mode 0600."
)
@click.option("--unit", help="Unit of the information officer: id, name or code.")
@as_json
def bootstrap(out: Path, unit: str | None, as_json: bool) -> None:
    """Makes the accounts of a new installation; run again, it keeps what is there.

    In an empty city without units the information officer joins a unit later, by running it again.
    """
    known = {entry["name"]: entry for entry in _read(out)}
    made = [_kept(entry, known) for entry in accounts.bootstrap(unit)]
    _write(out, made)
    show(
        {"file": str(out), "accounts": [entry["name"] for entry in made]},
        as_json,
        lambda result: [f"{len(result['accounts'])} accounts in {result['file']}"],
    )


def _read(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text("utf-8")) if path.is_file() else []


def _kept(entry: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Secrets that were written before stay; only a new account has new ones."""
    before = known.get(entry["name"], {})
    return {
        **entry,
        "password": entry["password"] or before.get("password"),
        "api_token": entry["api_token"] or before.get("api_token"),
    }


def _write(path: Path, entries: list[dict[str, Any]]) -> None:
    """Written whole under another name first, readable by its owner alone."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(entries, file, ensure_ascii=False, indent=2)
        file.write("\n")
    beside.replace(path)


@account.command("invite")
@click.argument("name")
@click.option("--email", required=True)
@click.option("--fullname", default="")
@click.option("--unit", help="Unit that the person keeps as information officer.")
@trial
@acting_user
@as_json
def invite(
    name: str,
    email: str,
    fullname: str,
    unit: str | None,
    dry_run: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Makes an account and prints the one-time link with which its owner sets a password."""
    parameters = {"name": name, "fullname": fullname, "email": email}
    made = run("govopen_account_invite", user, parameters, dry_run=dry_run)
    if unit and not dry_run:
        accounts.join_unit(name, accounts.unit_id(unit))
    show(made, as_json, lambda result: [result["link"]])


@click.group()
def role() -> None:
    """Roles of people (角色) per unit."""


@role.command("grant")
@click.argument("person")
@click.argument("role_name")
@click.option("--unit", help="Absent: every unit.")
@click.option("--from", "from_at", help="Instant with offset; absent: now.")
@click.option("--to", "to_at", help="Instant with offset; absent: without end.")
@click.option("--deputy-for", help="Person whose deputy this is.")
@trial
@acting_user
@as_json
def grant(
    person: str,
    role_name: str,
    unit: str | None,
    from_at: str | None,
    to_at: str | None,
    deputy_for: str | None,
    dry_run: bool,
    user: str | None,
    as_json: bool,
) -> None:
    """Gives a person a role."""
    parameters = {"user": person, "role": role_name, "unit": unit, "from": from_at, "to": to_at}
    parameters["deputy_for"] = deputy_for
    result = run("govopen_role_grant", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda granted: [granted["id"]])


@role.command("revoke")
@click.argument("assignment")
@trial
@acting_user
@as_json
def revoke(assignment: str, dry_run: bool, user: str | None, as_json: bool) -> None:
    """Ends an assignment now."""
    result = run("govopen_role_revoke", user, {"id": assignment}, dry_run=dry_run)
    show(result, as_json, lambda ended: [ended["id"]])


@role.command("list")
@click.option("--person")
@click.option("--unit")
@acting_user
@as_json
def list_roles(person: str | None, unit: str | None, user: str | None, as_json: bool) -> None:
    """Lists the assignments in force."""
    wanted = {"user": person, "unit": unit, "limit": 1000}
    items = run("govopen_role_list", user, wanted)["items"]
    show(items, as_json, lambda rows: table(rows, ("id", "user_name", "role", "unit_id", "to_at")))
