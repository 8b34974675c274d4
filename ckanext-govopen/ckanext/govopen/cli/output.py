"""What commands print: JSON for machines, tables for people; and who acts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen.logic import audit
from ckanext.govopen.logic.trial import nothing_kept

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
EXIT_REJECTED = 3  # rows were rejected and nothing was written
EXIT_PARTLY_APPLIED = 4  # applied, with rejections
PROBLEMS_SHOWN = 50

trial = click.option("--dry-run", is_flag=True, help="Say what would be done; write nothing.")
acting_user = click.option("--user", "user", help="Who acts; default: the site's own user.")


def context_of(user: str | None) -> dict[str, Any]:
    """The context of an action called by a command."""
    if user is None:
        user = tk.get_action("get_site_user")({"ignore_auth": True}, {})["name"]
    found = model.User.get(user)
    if found is None:
        raise click.ClickException(f"no such user: {user}")
    return {"user": found.name, "auth_user_obj": found}


def run(
    action: str, user: str | None, parameters: Mapping[str, Any], *, dry_run: bool = False
) -> Any:
    """Calls an action; a refusal becomes the command's message and exit code 1.

    With `dry_run` the action does its work, says what came of it, and nothing of it is kept.
    """
    if not dry_run:
        return _called(action, user, parameters)
    with nothing_kept():
        result = _called(action, user, parameters)
    click.echo("dry run: nothing was written", err=True)
    return {**result, "dry_run": True} if isinstance(result, dict) else result


def _called(action: str, user: str | None, parameters: Mapping[str, Any]) -> Any:
    context = context_of(user)

    def call() -> Any:
        with audit.acting(str(context["auth_user_obj"].id), f"command:{action}"):
            return tk.get_action(action)(context, dict(parameters))

    return refused_as_message(call)


def refused_as_message(call: Callable[[], Any]) -> Any:
    """What a call gives; its refusal becomes the command's message and exit code 1."""
    try:
        return call()
    except tk.ValidationError as error:
        texts = [
            f"{name}: {'; '.join(map(str, found))}" for name, found in error.error_dict.items()
        ]
        raise click.ClickException("\n".join(texts)) from error
    except tk.NotAuthorized as error:
        raise click.ClickException(str(error) or "not authorized") from error
    except tk.ObjectNotFound as error:
        raise click.ClickException(str(error) or "not found") from error


def show(result: Any, json_wanted: bool, lines: Callable[[Any], Iterable[str]]) -> None:
    """Prints a result as JSON or line by line."""
    if json_wanted:
        click.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))
    else:
        for line in lines(result):
            click.echo(line)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterable[str]:
    """Rows as tab-separated lines under their column names."""
    yield "\t".join(columns)
    for row in rows:
        yield "\t".join("" if row.get(name) is None else str(row[name]) for name in columns)


def yaml_of(file: Path) -> Any:
    """What a YAML file says.

    Raises:
        click.ClickException: it is none, and where.
    """
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file.name}: {error}") from error


# --- imports -------------------------------------------------------------------------------------


def exit_of_import(result: Mapping[str, Any], *, dry_run: bool) -> int:
    """The exit code of a command that has read a file of rows."""
    if result["state"] == "failed":
        return 1
    if dry_run or not result.get("rejected"):
        return 0
    return EXIT_PARTLY_APPLIED if result["state"] == "applied" else EXIT_REJECTED


def outcome_of_import(result: Mapping[str, Any], counts: Sequence[str]) -> Iterable[str]:
    """The file, what became of it, and how many rows of each kind it has."""
    yield f"{result['file']}  {result['state']}"
    if result.get("error"):
        yield str(result["error"])
    yield "  ".join(f"{name} {result[name]}" for name in counts if name in result)


def problems_of_import(result: Mapping[str, Any]) -> Iterable[str]:
    """The first rows with problems, each with its place."""
    for problem in result["problems"][:PROBLEMS_SHOWN]:
        place = problem.get("cell") or problem.get("row") or ""
        yield f"{place}\t{problem['code']}\t{problem['message']}"
