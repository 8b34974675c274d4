"""`ckan govopen harvest …`: sources and their runs from the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from ckanext.govopen import clock
from ckanext.govopen.cli.harvest_sources import source, source_lines
from ckanext.govopen.cli.output import acting_user, as_json, refused_as_message, run, show, table
from ckanext.govopen.logic import harvest_names

__all__ = ["harvest"]

COUNTS = ("seen", "unchanged", "created", "updated", "rejected", "conflict", "missing", "removed")
WITHDRAWAL_COLUMNS = ("source_name", "guid", "record_type", "title", "missing_since")
EXIT_FAILED = 1
EXIT_WAITS = 3  # nothing is written before the data authority approves
EXIT_PARTIAL = 4


@click.group()
def harvest() -> None:
    """Harvest of sources (归集)."""


harvest.add_command(source)


@harvest.command("run")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Read and check everything, write nothing.")
@click.option("--probe", is_flag=True, help="Read and check the first page, write nothing.")
@click.option("--kept", is_flag=True, help="Map anew what was kept, without asking the source.")
@acting_user
@as_json
def run_source(
    name: str, dry_run: bool, probe: bool, kept: bool, user: str | None, as_json: bool
) -> None:
    """Runs a source here and now.

    Exit 0 when the run has ended whole, 3 when it waits for an approval, 4 when it is partial.
    """
    wanted = {"source": name, "dry_run": dry_run, "probe": probe, "kept": kept}
    started = run("govopen_harvest_job_create", user, wanted)
    _work(started["id"])
    _end(run("govopen_harvest_job_show", user, {"id": started["id"]}), as_json)


@harvest.command("files")
@click.argument("name")
@acting_user
@as_json
def fetch_files(name: str, user: str | None, as_json: bool) -> None:
    """Fetches the files of a source's drafts here and now; those that did not change stay."""
    from govopen_harvesters import files

    source_id = run("govopen_harvest_source_show", user, {"id": name})["id"]
    files.work(source_id, clock.now(), is_patient=True)
    found = run("govopen_harvest_source_show", user, {"id": name})["files"]
    show(found, as_json, _file_lines)


def _file_lines(row: Mapping[str, Any]) -> Iterable[str]:
    yield f"{row['kept']} kept  {row['failing']} failing"
    for one in row["problems"]:
        yield f"{one['url']}\t{one['problem']['code']}"


def _work(job_id: str) -> None:
    from govopen_harvesters import runner

    runner.run(job_id, is_patient=True)


def _end(job: Mapping[str, Any], as_json: bool) -> None:
    show(job, as_json, job_lines)
    sys.exit({"finished": 0, "needs_approval": EXIT_WAITS, "partial": EXIT_PARTIAL}.get(
        job["state"], EXIT_FAILED))  # fmt: skip


@harvest.command("job")
@click.argument("job")
@acting_user
@as_json
def show_job(job: str, user: str | None, as_json: bool) -> None:
    """Shows a run: its counts, whether they add up, its report."""
    show(run("govopen_harvest_job_show", user, {"id": job, "limit": 1000}), as_json, job_lines)


def job_lines(job: Mapping[str, Any]) -> Iterable[str]:
    """A run as text."""
    waits = f" ({job['waits_for']})" if job["state"] == "needs_approval" else ""
    yield f"{job['id']}  {job['source']}  {job['kind']}  {job['state']}{waits}"
    yield "  ".join(f"{name} {job[name]}" for name in COUNTS)
    yield f"known {job['known_before']} -> {job['known_after']}  balanced {job['balanced']}"
    if job["error"]:
        yield f"{job['error']['code']}\t{job['error']['text']}"
    for one in job["notes"]:
        yield f"{one['code']}\t{one['text']}"
    for one in job["names"]:
        others = " ".join(f"{each['field']}?{each['confidence']}" for each in one["proposed"])
        yield f"{one['how']}\t{one['name']}\t{one['field'] or '-'}\t{one['confidence']}\t{others}"
    for one in job["unread"]:
        yield f"unread\t{one['field']}\t{' '.join(one['values'])}"
    for line in job["report"]["items"]:
        reason = (
            f"\t{line['problem']['code']}\t{line['problem']['text']}" if line["problem"] else ""
        )
        yield f"{line['verdict']}\t{line['guid']}{reason}"


@harvest.command("approve")
@click.argument("job")
@click.option("--refuse", is_flag=True, help="End the run instead: nothing is written.")
@acting_user
@as_json
def approve_job(job: str, refuse: bool, user: str | None, as_json: bool) -> None:
    """Lets a run go on that waits for the data authority, and does it here."""
    made = run("govopen_harvest_approve", user, {"id": job, "refuse": refuse})
    if not refuse:
        _work(made["id"])
    _end(run("govopen_harvest_job_show", user, {"id": job}), as_json)


@harvest.command("map")
@click.argument("job")
@click.option("--field", "fields", multiple=True, help="NAME=FIELD; without a field it has none.")
@click.option("--value", "values", multiple=True, help="FIELD:VALUE=CODE, what a value stands for.")
@acting_user
@as_json
def confirm_mapping(
    job: str, fields: Sequence[str], values: Sequence[str], user: str | None, as_json: bool
) -> None:
    """Says what names and values of a source mean that a run has shown; its settings keep it."""
    shown = run("govopen_harvest_job_show", user, {"id": job, "limit": 1})
    found = run("govopen_harvest_source_show", user, {"id": shown["source"]})
    codes: dict[str, dict[str, str]] = {}
    for said in values:
        field, sign, rest = said.partition(":")
        value, equals, code = rest.rpartition("=")
        if not (sign and equals and field and value and code):
            raise click.UsageError(f"--value {said}: write FIELD:VALUE=CODE")
        codes.setdefault(field, {})[value] = code
    told = dict(_pair("--field NAME=FIELD", said.rpartition("=")) for said in fields)
    settings = refused_as_message(
        lambda: harvest_names.confirmed(found, shown["names"], told, codes)
    )
    wanted = {"id": found["id"], "settings": settings}
    show(run("govopen_harvest_source_update", user, wanted), as_json, source_lines)


def _pair(form: str, parts: tuple[str, str, str]) -> tuple[str, str]:
    """A name and what is said of it; a name of a source may hold the sign, and so may a text."""
    name, equals, value = parts
    if not (equals and name):
        raise click.UsageError(f"{''.join(parts)}: write {form}")
    return name, value


@harvest.command("dead")
@click.argument("name", required=False)
@click.option("--retry", is_flag=True, help="Try those of the source again, here and now.")
@click.option("--id", "dead_id", help="Of these the one with this id alone.")
@click.option("--set", "said", multiple=True, help="FIELD=TEXT, in place of what the source says.")
@acting_user
@as_json
def dead_letters(
    name: str | None,
    retry: bool,
    dead_id: str | None,
    said: Sequence[str],
    user: str | None,
    as_json: bool,
) -> None:
    """Lists records that could not be taken, with the reason; tries them again, or mends one."""
    if (said or dead_id) and not retry:
        raise click.UsageError("--id and --set go with --retry")
    if retry:
        if not name or (said and not dead_id):
            raise click.UsageError("--retry needs the name of a source, and --set an --id")
        wanted: dict[str, Any] = {"source": name, "id": dead_id}
        if said:
            wanted["values"] = dict(_pair("--set FIELD=TEXT", each.partition("=")) for each in said)
        made = run("govopen_harvest_dead_retry", user, wanted)
        _work(made["id"])
        _end(run("govopen_harvest_job_show", user, {"id": made["id"]}), as_json)
    found = run("govopen_harvest_dead_list", user, {"source": name or "", "limit": 1000})["items"]
    show(found, as_json, lambda rows: (
        f"{one['source']}\t{one['guid']}\t{one['problem']['code']}\t{one['problem']['text']}"
        f"\t{one['id']}" for one in rows))  # fmt: skip


@harvest.command("withdrawals")
@click.argument("name", required=False)
@click.option("--accept", "accepted", help="Take this record back: its identifier at the source.")
@click.option("--keep", "kept", help="Keep this record without its source.")
@click.option("--reason", default="", help="Why; on record.")
@acting_user
@as_json
def withdrawals(
    name: str | None,
    accepted: str | None,
    kept: str | None,
    reason: str,
    user: str | None,
    as_json: bool,
) -> None:
    """Lists what is public or in force and no longer at its source; settles one of them."""
    for decision, guid in (("accept", accepted), ("keep", kept)):
        if guid:
            facts = {"source": name, "guid": guid, "decision": decision, "reason": reason}
            run("govopen_harvest_withdrawal_decide", user, facts)
    wanted = {"source": name or "", "limit": 1000}
    found = run("govopen_harvest_withdrawal_list", user, wanted)["items"]
    show(found, as_json, lambda rows: table(rows, WITHDRAWAL_COLUMNS))
