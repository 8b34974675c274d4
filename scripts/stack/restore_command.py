"""`./scripts/restore FILE --data NEWDIR`: a new data folder from a backup, checked at the end."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from stack import (
    archive,
    identity,
    layout,
    options,
    ports,
    postgresql,
    preparation,
    running,
    state,
    supervisor,
)
from stack.installation import Installation
from stack.layout import Checkout, DataFolder
from stack.messages import StackError, say, step, text

OPEN_FILE = "GOVOPEN_RESTORE_FD"  # hands the opened archive over to the unprivileged user


def run(arguments: list[str]) -> int:
    """Run the command."""
    chosen = _parse(arguments)
    checkout = layout.here()
    folder = layout.data_folder(chosen.data, checkout)
    if os.geteuid() == 0 or Path(sys.prefix).resolve() != checkout.venv.resolve():
        _prepare(checkout, folder, Path(chosen.file).expanduser(), arguments)
    one = _unpack(checkout, folder, chosen.port)
    try:
        _fill(one)
        running.bring_up(one, was_running=True)
    finally:
        supervisor.end(folder)
    say("restore_done", path=folder.root)
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    made = options.parser("restore")
    made.add_argument("file", metavar="FILE", help=text("help_backup_file"))
    made.add_argument("--data", metavar="NEWDIR", required=True, help=text("help_new_data"))
    made.add_argument("--port", type=options.port, metavar="N", help=text("help_port"))
    return made.parse_args(arguments)


def _prepare(checkout: Checkout, folder: DataFolder, file: Path, arguments: list[str]) -> None:
    """With the rights we have: open the archive, make the folder; then go on as the user."""
    if folder.root.exists() and any(folder.root.iterdir()):
        raise StackError("folder_not_empty", path=folder.root)
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError as error:
        raise StackError("archive_bad", problem=error) from error
    user = identity.run_user(folder.root)
    preparation.prepare(checkout, folder, user)
    os.set_inheritable(descriptor, True)
    os.environ[OPEN_FILE] = str(descriptor)
    preparation.go_on_inside(checkout, folder, user, ["restore", *arguments])


def _unpack(checkout: Checkout, folder: DataFolder, port: int | None) -> Installation:
    with step("step_unpack"), os.fdopen(int(os.environ.pop(OPEN_FILE)), "rb") as stream:
        archive.read(stream, folder)
    known = state.load(folder)
    if known is None:
        raise StackError("archive_bad", problem=folder.state_file.name)
    wanted = port or known.port
    if not ports.is_free(wanted):
        chosen = None if port else ports.choose(str(folder.root), None, frozenset())
        if chosen is None:
            raise ports.taken(wanted)
        say("port_changed", before=wanted, port=chosen)
        wanted = chosen
    done = {name: value for name, value in known.done.items() if name != "schema"}
    done[running.CLOSED] = "restored"
    own = running.with_ports(folder, replace(known, port=wanted, done=done))
    state.save(folder, own)
    return Installation(checkout, folder, own, state.keys(folder))


def _fill(one: Installation) -> None:
    """Make the databases and fill them from the dumps; the schema then is brought up to date."""
    with step("step_configure"):
        running.configure(one)
    supervisor.launch(one)
    with step("step_database"):
        postgresql.wait(one)
        postgresql.create(one)
    with step("step_fill"):
        for dump in sorted((one.folder.root / archive.DUMPS).glob("*.dump")):
            command = [
                "pg_restore",
                "--clean",
                "--if-exists",
                "--single-transaction",
                "--exit-on-error",
                f"--dbname={dump.stem}",
                str(dump),
            ]
            done = postgresql.tool(one, command, database=dump.stem)
            if done.returncode:
                raise StackError(
                    "sql_failed", database=dump.stem, output=done.stderr.strip()[-1500:]
                )
    heads = one.folder.root / archive.DUMPS / archive.HEADS
    if heads.exists():
        heads.rename(one.folder.root / archive.HEADS)
    shutil.rmtree(one.folder.root / archive.DUMPS)
