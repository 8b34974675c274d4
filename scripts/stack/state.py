"""What an installation remembers: ports and choices (`stack.json`), keys (`secrets.json`)."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from stack.layout import DataFolder
from stack.messages import StackError

CITIES = ("demo", "small", "empty")
SECRET_NAMES = (
    "secret_key",
    "csrf_key",
    "token_key",
    "audit_key",
    "postgres",
    "govopen_owner",
    "govopen_app",
    "govopen_loader",
    "govopen_reader",
    "solr",
)
EXTERNAL = {
    "database": "GOVOPEN_DATABASE_URL",
    "redis": "GOVOPEN_REDIS_URL",
    "solr": "GOVOPEN_SOLR_URL",
}


@dataclass(frozen=True)
class State:
    """The choices of an installation; written by `start` alone."""

    city: str = "demo"
    stamp: str = ""
    host: str = "127.0.0.1"
    port: int = 5000
    site_url: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)

    def with_done(self, name: str, value: str) -> State:
        """Return the state in which the step `name` has been done for `value`."""
        return replace(self, done=self.done | {name: value})


def load(folder: DataFolder) -> State | None:
    """Return the state of the folder, None when it is new."""
    try:
        content = json.loads(folder.state_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StackError("state_unreadable", path=folder.state_file, error=error) from error
    return State(**content)


def save(folder: DataFolder, state: State) -> None:
    """Write the state, whole or not at all."""
    write_private(folder.state_file, json.dumps(asdict(state), indent=1, ensure_ascii=False))


def keys(folder: DataFolder) -> dict[str, str]:
    """Return the installation's keys; each is made once, at random, and kept."""
    known: dict[str, str] = {}
    if folder.secrets_file.exists():
        known = json.loads(folder.secrets_file.read_text(encoding="utf-8"))
    fresh = {name: secrets.token_hex(32) for name in SECRET_NAMES if name not in known}
    given = {name: os.environ[key] for name, key in EXTERNAL.items() if os.environ.get(key)}
    changed = known | fresh | {f"external_{name}": url for name, url in given.items()}
    if changed != known:
        write_private(folder.secrets_file, json.dumps(changed, indent=1))
    return changed


def write_private(path: Path, content: str) -> None:
    """Write a file that its owner alone may read, atomically."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
    fresh.replace(path)
