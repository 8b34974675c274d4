"""What is done with the rights of whoever calls: the virtual environment, the jars, the folder.

As root this is all that root does; then the program goes on as the unprivileged user.
"""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

from stack import environment, identity, jars
from stack.identity import RunUser
from stack.layout import Checkout, DataFolder
from stack.messages import StackError, say, step

# CKAN's ini reader interpolates `%` in its file's own path; Java parts a class path at `:`
FORBIDDEN = frozenset('%:"\\\n')


def prepare(checkout: Checkout, folder: DataFolder, user: RunUser) -> None:
    """Make everything that must be there before the parts can be configured."""
    if os.geteuid() == 0:
        say("as_user", user=user.name)
    check_reach(checkout, folder, user)
    environment.ensure(checkout, user)
    bring_jars(checkout)
    make_folders(folder, user)


def check_reach(checkout: Checkout, folder: DataFolder, user: RunUser) -> None:
    """Refuse early, with what to do, when the account cannot get at what it needs."""
    for path in (checkout.root, folder.root):
        if set(str(path)) & FORBIDDEN:
            raise StackError(
                "path_letters", path=path, letters=" ".join(sorted(FORBIDDEN - {"\n"}))
            )
    for path in (checkout.root, folder.root.parent):
        blocked = identity.blocked_at(user, path)
        if blocked:
            raise StackError("unreachable", user=user.name, path=path, blocked=blocked)
    if not user.can("-r", checkout.config / "constraints.txt"):
        raise StackError(
            "unreachable", user=user.name, path=checkout.config, blocked=checkout.config
        )


def bring_jars(checkout: Checkout) -> None:
    """Fetch Solr's jars, unless Solr is somebody else's."""
    lock = checkout.jar_lock.read_text(encoding="utf-8")
    target = checkout.venv / jars.folder_name(lock)
    if os.environ.get("GOVOPEN_SOLR_URL") or jars.is_complete(target, jars.parse_lock(lock)):
        return
    with environment.one_at_a_time(checkout.root), step("step_jars"):
        done = subprocess.run(
            [
                str(checkout.python),
                "-B",
                str(checkout.root / "scripts/stack/__main__.py"),
                "fetch-jars",
            ],
            capture_output=True,
            text=True,
            check=False,
            env=environment.clean_environ(),
        )
    if done.returncode != 0:
        raise StackError("jars_failed", output=done.stderr.strip()[-800:])


def make_folders(folder: DataFolder, user: RunUser) -> None:
    """Make the data folder, private, and give it to the account."""
    try:
        for path in folder.folders():
            _make(path, user)
        folder.root.chmod(0o700)
        identity.hand_over(folder.root, user)
    except PermissionError as error:
        raise StackError(
            "folder_denied", path=error.filename or folder.root, user=user.name
        ) from error
    except OSError as error:
        raise StackError("folder_failed", path=folder.root, error=error) from error
    if not user.can("-w", folder.root):
        raise StackError("folder_denied", path=folder.root, user=user.name)


def _make(path: Path, user: RunUser) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (0, os.geteuid(), user.uid):
        raise PermissionError(13, "not ours", str(path))
    if os.geteuid() == 0:
        os.chown(path, user.uid, user.gid)


def go_on_inside(
    checkout: Checkout, folder: DataFolder, user: RunUser, arguments: list[str]
) -> None:
    """Become the account and continue with the Python of the virtual environment."""
    home = {"HOME": str(folder.root)} if os.geteuid() == 0 else {}
    identity.become(user)
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")} | home
    main = str(checkout.root / "scripts" / "stack" / "__main__.py")
    python = str(checkout.python)
    os.execve(python, [python, "-B", main, *arguments], environ)  # noqa: S606  (no shell is wanted)
