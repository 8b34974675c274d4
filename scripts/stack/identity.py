"""Who the parts run as: root always gives way to an unprivileged user.

PostgreSQL refuses root, and nothing else needs it. So a start by root prepares what is shared,
hands the data folder over, and then goes on as the owner of that folder, else as `nobody`.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stack.messages import StackError

FALLBACK_USER = "nobody"


@dataclass(frozen=True)
class RunUser:
    """The account under which the parts run."""

    name: str
    uid: int
    gid: int

    def can(self, test: str, path: Path) -> bool:
        """Tell whether this account passes `test -r|-x|-w PATH` (asked of the system itself)."""
        return self.runs(["/usr/bin/test", test, str(path)])

    def runs(self, command: list[str]) -> bool:
        """Tell whether this account can run the command successfully."""
        other = os.geteuid() != self.uid
        try:
            done = subprocess.run(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                user=self.uid if other else None,
                group=self.gid if other else None,
                extra_groups=[] if other else None,
            )
        except OSError:
            return False
        return done.returncode == 0


def run_user(data: Path) -> RunUser:
    """Return the account for the data folder: ourselves, or what root gives way to."""
    if os.geteuid() != 0:
        return _account(os.geteuid())
    owner = data.stat().st_uid if data.exists() else 0
    return _account(owner) if owner else _named(FALLBACK_USER)


def _account(uid: int) -> RunUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError as error:
        raise StackError("user_unknown", uid=uid) from error
    return RunUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _named(name: str) -> RunUser:
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise StackError("user_unknown", uid=name) from error
    return RunUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def blocked_at(user: RunUser, path: Path) -> Path | None:
    """Return the outermost folder on the way to `path` that the account cannot enter."""
    for folder in [*reversed(path.parents), path]:
        if folder.is_dir() and not user.can("-x", folder):
            return folder
    return None


def hand_over(folder: Path, user: RunUser) -> None:
    """As root: give a new or root-owned data folder, with all in it, to the account."""
    if os.geteuid() != 0 or folder.stat().st_uid == user.uid:
        return
    os.chown(folder, user.uid, user.gid)
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(os.path.join(base, name), user.uid, user.gid, follow_symlinks=False)


def become(user: RunUser) -> None:
    """Give up root for good."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(user.gid)
        os.setuid(user.uid)


def myself_or_nobody() -> RunUser:
    """Return the account that the parts of a new data folder of ours would run as."""
    return _account(os.geteuid()) if os.geteuid() else _named(FALLBACK_USER)
