"""`ckan govopen review …` and `ckan govopen publication …`; deciding needs a browser session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, trial
from ckanext.govopen.logic import verification
from ckanext.govopen.logic.vocab import vocabulary

__all__ = ["publication", "review"]

GROUND = click.Choice(vocabulary("withdrawal_ground").codes)


@click.group()
def review() -> None:
    """The review before anything is public (审查)."""


@review.command("list")
@click.option("--all", "every", is_flag=True, help="Closed cases too.")
@acting_user
@as_json
def list_cases(every: bool, user: str | None, as_json: bool) -> None:
    """Lists the cases that wait for a decision."""
    items = run("govopen_review_list", user, {"open": not every, "limit": 1000})["items"]
    show(
        items,
        as_json,
        lambda rows: table(rows, ("id", "kind", "title", "state", "step", "records")),
    )


@review.command("verify")
@as_json
def verify(as_json: bool) -> None:
    """Recomputes the hash of everything public and of its history, and reads the files again.

    The result is kept: an alarm on the workbench and in /healthz until a later run passes.
    Exit 1 when something differs.
    """
    report = verification.run()
    show(
        report,
        as_json,
        lambda found: [
            f"{found['public']} public records, {found['files']} files",
            *(
                f"not approved: {each['record_type']} {each['record_id']}"
                for each in found["records"]
            ),
            *(
                f"changed version: {each['number']} of {each['package_id']}"
                for each in found["versions"]
            ),
            *(f"changed file: {each['resource_id']}" for each in found["changed_files"]),
        ],
    )
    if report["records"] or report["versions"] or report["changed_files"]:
        raise SystemExit(1)


@click.group()
def publication() -> None:
    """What is public, and taking it back (公开)."""


@publication.command("withdraw")
@click.argument("name")
@click.option("--reason", required=True)
@click.option("--ground", type=GROUND, help="Default for a dataset: error.")
@trial
@acting_user
@as_json
def withdraw(
    name: str, reason: str, ground: str | None, dry_run: bool, user: str | None, as_json: bool
) -> None:
    """Withdraws a public dataset, or an entry of a list (REGISTER/ENTRY): gone at once."""
    if entry := _entry_named(name):
        parameters = {**entry, "ground": ground or "", "reason": reason}
        result = run("govopen_entry_withdraw", user, parameters, dry_run=dry_run)
        show(result, as_json, _entry_taken_back)
        return
    parameters = {"id": name, "ground": ground or "error", "reason": reason}
    result = run("govopen_publication_withdraw", user, parameters, dry_run=dry_run)
    show(result, as_json, _taken_back)


@publication.command("hide")
@click.argument("name")
@click.option("--reason", required=True)
@trial
@acting_user
@as_json
def hide(name: str, reason: str, dry_run: bool, user: str | None, as_json: bool) -> None:
    """Hides a dataset, or an entry (REGISTER/ENTRY), in an emergency; a second person confirms."""
    if entry := _entry_named(name):
        result = run("govopen_entry_hide", user, {**entry, "reason": reason}, dry_run=dry_run)
        show(result, as_json, _entry_taken_back)
        return
    parameters = {"id": name, "reason": reason}
    result = run("govopen_publication_hide", user, parameters, dry_run=dry_run)
    show(result, as_json, _taken_back)


def _entry_named(name: str) -> dict[str, str] | None:
    """Register and code of an entry; None for the name of a dataset, which has no slash."""
    register, slash, code = name.partition("/")
    return {"register": register, "entry_code": code} if slash else None


def _entry_taken_back(done: Mapping[str, Any]) -> list[str]:
    return [f"{done['register_id']}/{done['entry_code']}: {done['act']}"]


def _taken_back(done: Mapping[str, Any]) -> list[str]:
    """The state, which holds for readers already, and what the worker has still to purge."""
    left = ", ".join(done["remaining"])
    return [f"{done['id']}: {done['state']}", *([f"to be purged: {left}"] if left else [])]
