"""`./scripts/backup FILE`: database, files, settings and keys in one archive."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

from stack import archive, options, postgresql
from stack.access import installation
from stack.installation import Installation
from stack.messages import StackError, say, step, text

DATABASES = ("ckan", "datastore")
OPEN_FILE = "GOVOPEN_BACKUP_FD"  # hands the opened file over to the unprivileged user


def run(arguments: list[str]) -> int:
    """Run the command: the caller's rights open the file, the stack's user fills it."""
    chosen = _parse(arguments)
    if OPEN_FILE in os.environ:
        return _fill(chosen, arguments)
    target = Path(chosen.file).expanduser().absolute()
    partial = target.with_name(target.name + ".part")
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise StackError("backup_denied", path=target, error=error) from error
    try:
        code = _again(descriptor, arguments)
        if code == 0:
            partial.rename(target)
            say("backup_done", path=target, size=f"{target.stat().st_size / 2**20:.1f}")
    finally:
        os.close(descriptor)
        partial.unlink(missing_ok=True)
    return code


def _parse(arguments: list[str]) -> argparse.Namespace:
    made = options.with_data(options.parser("backup"))
    made.add_argument("file", metavar="FILE", help=text("help_backup_file"))
    return made.parse_args(arguments)


def _again(descriptor: int, arguments: list[str]) -> int:
    """Run this command once more in a process that inherits the open file."""
    main = Path(__file__).with_name("__main__.py")
    return subprocess.run(
        [sys.executable, "-B", str(main), "backup", *arguments],
        pass_fds=(descriptor,),
        env=os.environ | {OPEN_FILE: str(descriptor)},
        check=False,
    ).returncode


def _fill(chosen: argparse.Namespace, arguments: list[str]) -> int:
    # kept open over the change to the stack's user, which begins the program anew
    os.set_inheritable(int(os.environ[OPEN_FILE]), True)
    one = installation(chosen.data, ["backup", *arguments])
    if not postgresql.is_up(one):
        raise StackError("backup_needs_database", path=one.folder.root)
    with os.fdopen(int(os.environ.pop(OPEN_FILE)), "w+b") as stream:
        write(one, stream, compressed=chosen.file.endswith((".gz", ".tgz")))
    return 0


def write(one: Installation, stream: IO[bytes], *, compressed: bool) -> None:
    """Write the archive of a running installation."""
    dumps = one.folder.root / archive.DUMPS
    shutil.rmtree(dumps, ignore_errors=True)
    dumps.mkdir(mode=0o700)
    try:
        heads = one.folder.root / archive.HEADS
        if heads.exists():
            shutil.copy2(heads, dumps / heads.name)
        with step("step_dump"):
            for database in DATABASES:
                _dump(one, database, dumps)
        with step("step_archive"):
            archive.write(one.folder, stream, compressed=compressed)
            stream.flush()
            os.fsync(stream.fileno())
    finally:
        shutil.rmtree(dumps, ignore_errors=True)


def _dump(one: Installation, database: str, folder: Path) -> None:
    command = ["pg_dump", "--format=custom", f"--file={folder / database}.dump"]
    done = postgresql.tool(one, command, database=database)
    if done.returncode:
        raise StackError("sql_failed", database=database, output=done.stderr.strip()[-1500:])
