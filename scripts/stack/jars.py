"""The Solr jars: read the lock file, fetch what it lists, refuse what differs.

The lock file holds `group:artifact:version[:classifier] sha256 size` per line. The library `jgo`
only downloads; every file is checked against the lock before the folder is moved into place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from stack.messages import StackError

DOWNLOADS_AT_ONCE = 16
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class Jar:
    """One line of the lock file."""

    group: str
    artifact: str
    version: str
    classifier: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Return the name of the file in the library folder."""
        tail = f"-{self.classifier}" if self.classifier else ""
        return f"{self.artifact}-{self.version}{tail}.jar"


def parse_lock(lines: str) -> tuple[Jar, ...]:
    """Return the jars of a lock file's text.

    Raises ValueError, with the line's number, for a line that is not understood.
    """
    jars = []
    for number, line in enumerate(lines.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        parts = fields[0].split(":")
        if len(fields) != 3 or len(parts) not in (3, 4) or len(fields[1]) != 64:
            raise ValueError(f"line {number} of the jar lock: {line!r}")
        classifier = parts[3] if len(parts) == 4 else ""
        group, artifact, version = parts[:3]
        jars.append(Jar(group, artifact, version, classifier, fields[1], int(fields[2])))
    return tuple(jars)


def folder_name(lock_text: str) -> str:
    """Return the name of the folder for exactly this lock."""
    return f"solr-jars-{hashlib.sha256(lock_text.encode()).hexdigest()[:12]}"


def is_complete(folder: Path, jars: tuple[Jar, ...]) -> bool:
    """Tell whether every jar is there with its size (hashes were checked when it was made)."""
    try:
        return all((folder / jar.file_name).stat().st_size == jar.size for jar in jars)
    except OSError:
        return False


def matches(path: Path, jar: Jar) -> bool:
    """Tell whether the file has the bytes that the lock names."""
    return hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def install(lock: Path, parent: Path, mirror: str | None) -> Path:
    """Return the folder under `parent` with all jars of the lock, fetching what is missing.

    Runs in the virtual environment, since it needs `jgo`.
    """
    content = lock.read_text(encoding="utf-8")
    jars = parse_lock(content)
    target = parent / folder_name(content)
    if is_complete(target, jars):
        return target
    fresh = Path(tempfile.mkdtemp(prefix=".solr-jars-", dir=parent))
    try:
        with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
            for _ in pool.map(lambda jar: _bring(jar, fresh, mirror), jars):
                pass
        fresh.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        fresh.rename(target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target


def _bring(jar: Jar, folder: Path, mirror: str | None) -> None:
    """Put one checked jar into `folder`; a bad one in the download cache is fetched once more."""
    for attempt in (1, 2):
        cached = _download(jar, mirror)
        if matches(cached, jar):
            shutil.copyfile(cached, folder / jar.file_name)
            return
        if attempt == 1:
            cached.unlink()
    raise StackError("jar_differs", jar=jar.file_name, sha256=jar.sha256)


def _download(jar: Jar, mirror: str | None) -> Path:
    # jgo is in the virtual environment only; this module must import without it
    from jgo.maven import MavenContext  # type: ignore[import-not-found,unused-ignore]

    remotes = {"mirror": mirror.rstrip("/")} if mirror else None
    context = MavenContext(repo_cache=_cache(), remote_repos=remotes, timeout=TIMEOUT_SECONDS)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        return Path(component.artifact(jar.classifier, "jar").resolve())
    except Exception as error:  # jgo passes on the errors of several libraries
        raise StackError("jar_missing", jar=jar.file_name, error=error) from error


def _cache() -> Path:
    """Return the usual download cache of Maven, or a temporary one when home is read-only."""
    usual = Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")
    try:
        usual.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / f"govopen-m2-{os.getuid()}"
    return usual
