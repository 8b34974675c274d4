"""`ckan govopen review …` and `ckan govopen publication …`; deciding needs a browser session."""

from __future__ import annotations

import click

from ckanext.govopen.cli.output import acting_user, as_json, run, show, table, trial
from ckanext.govopen.logic import review as logic_review

__all__ = ["publication", "review"]

GROUNDS = (
    "error",
    "secrecy",
    "personal_info",
    "legal_order",
    "law_change",
    "merged",
    "source_ended",
)


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

    Exit 1 when something differs.
    """
    report = logic_review.verify()
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
@click.option("--ground", type=click.Choice(GROUNDS), default="error", show_default=True)
@trial
@acting_user
@as_json
def withdraw(
    name: str, reason: str, ground: str, dry_run: bool, user: str | None, as_json: bool
) -> None:
    """Withdraws a public dataset: gone for readers at once."""
    parameters = {"id": name, "ground": ground, "reason": reason}
    result = run("govopen_publication_withdraw", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda done: [f"{done['id']}: {done['state']}"])


@publication.command("hide")
@click.argument("name")
@click.option("--reason", required=True)
@trial
@acting_user
@as_json
def hide(name: str, reason: str, dry_run: bool, user: str | None, as_json: bool) -> None:
    """Hides a public dataset in an emergency; a second person confirms on the review page."""
    parameters = {"id": name, "reason": reason}
    result = run("govopen_publication_hide", user, parameters, dry_run=dry_run)
    show(result, as_json, lambda done: [f"{done['id']}: {done['state']}"])
