"""`./scripts/status`: for each part its state, pid, address, memory, version and last error."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from stack import (
    measures,
    options,
    parts,
    postgresql,
    processes,
    redis_server,
    running,
    solr,
    supervisor,
)
from stack.access import installation
from stack.installation import Installation
from stack.messages import say, text

# a line of that level, or the last line of a traceback
ERROR = re.compile(rb"\b(ERROR|FATAL|CRITICAL|PANIC)\b|^[\w.]+(Error|Exception|Fault)\b")
# PostgreSQL logs a client's faulty statement as ERROR, and FATAL to whoever comes while it starts
ERROR_OF = {"postgresql": re.compile(rb"PANIC|FATAL: +(?! |the database system is|terminating)")}
TAIL_BYTES = 65536
LINE_LENGTH = 300


@dataclass(frozen=True)
class PartStatus:
    """What is known of one part."""

    name: str
    state: str
    pid: int | None
    address: str
    memory_bytes: int | None
    version: str
    last_error: str


def run(arguments: list[str]) -> int:
    """Run the command; exit code 0 when everything that should run is healthy, else 1."""
    made = options.with_data(options.parser("status"))
    made.add_argument("--json", action="store_true", help=text("help_json"))
    chosen = made.parse_args(arguments)
    one = installation(chosen.data, ["status", *arguments])
    report = describe(one)
    if chosen.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        show(report)
    return 0 if report["healthy"] else 1


def describe(one: Installation) -> dict[str, Any]:
    """Return the report on the whole stack as plain data."""
    seen = {program["name"]: program for program in supervisor.programs(one.folder)}
    listed = [_part(one, part.name, seen.get(part.name)) for part in parts.of(one)]
    listed += [_external(one, name) for name in ("database", "redis", "solr") if one.external(name)]
    without = {"city"} if one.state.city == "empty" else set()
    shown = [part for part in listed if part.name not in without]
    memory = [part.memory_bytes for part in shown if part.memory_bytes is not None]
    own = int(supervisor.call(one.folder, "getPID")) if seen else None
    memory_of_supervisor = processes.memory([own]) if own else None
    return {
        "data": str(one.folder.root),
        "url": one.site_url,
        "city": {"size": one.state.city, **running.city_state(one)},
        # the city is a single run beside the site, which works without it
        "healthy": all(part.state == "healthy" for part in shown if part.name != "city"),
        "supervisor_pid": own,
        "memory_bytes": sum(memory) + (memory_of_supervisor or 0),
        "measures_missing": measures.missing(one),
        "disk_free_bytes": shutil.disk_usage(one.folder.root).free,
        "parts": [asdict(part) for part in shown],
    }


def _part(one: Installation, name: str, program: dict[str, Any] | None) -> PartStatus:
    pid = int(program["pid"]) if program and program["pid"] else None
    return PartStatus(
        name=name,
        state=_state(one, name, program),
        pid=pid,
        address=_address(one, name),
        memory_bytes=processes.memory(processes.tree(pid)) if pid else None,
        version=_version(one, name),
        last_error=last_error(one.folder.logs / f"{name}.log", name),
    )


def _state(one: Installation, name: str, program: dict[str, Any] | None) -> str:
    """Return `healthy`, `unhealthy`, or supervisor's word for a part that does not run."""
    alone = "orphaned" if processes.of_folder(one.folder.root) else "stopped"
    word = str(program["statename"]).lower() if program else alone
    if name == "city":
        done = running.city_state(one).get("state") == "done"
        return "finished" if done else {"exited": "failed", "fatal": "failed"}.get(word, word)
    if word not in ("running", "starting"):
        return word
    asks = {
        "postgresql": postgresql.is_up,
        "redis": redis_server.is_up,
        "solr": solr.is_up,
        "web": running.web_is_healthy,
    }
    if name not in asks:
        return "healthy"
    if asks[name](one):
        return "healthy"
    return "starting" if word == "starting" else "unhealthy"


def _external(one: Installation, name: str) -> PartStatus:
    asks = {"database": postgresql.is_up, "solr": solr.is_up}
    state = "healthy" if name not in asks or asks[name](one) else "unhealthy"
    return PartStatus(name, state, None, "external", None, "", "")


def _address(one: Installation, name: str) -> str:
    return {
        "postgresql": f"127.0.0.1:{one.state.ports.get('postgresql')}",
        "redis": str(one.redis_socket),
        "solr": one.solr_url,
        "web": one.site_url,
    }.get(name, "")


def _version(one: Installation, name: str) -> str:
    if name == "postgresql":
        cluster = one.folder.postgresql / "PG_VERSION"
        return cluster.read_text().strip() if cluster.exists() else ""
    if name == "redis":
        return redis_server.version(one.checkout)
    if name == "solr":
        lock = one.checkout.jar_lock.read_text(encoding="utf-8")
        found = re.search(r"org\.apache\.solr:solr-core:(\S+)", lock)
        return found.group(1) if found else ""
    library = {"web": "ckan", "worker": "procrastinate"}.get(name)
    try:
        return metadata.version(library) if library else ""
    except metadata.PackageNotFoundError:
        return ""


def last_error(log: Path, part: str) -> str:
    """Return the last line of a log that tells of an error, shortened; empty when none does."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, 2)
            stream.seek(max(0, size - TAIL_BYTES))
            lines = stream.read().splitlines()
    except OSError:
        return ""
    sign = ERROR_OF.get(part, ERROR)
    found = next((line for line in reversed(lines) if sign.search(line)), b"")
    return found.decode("utf-8", "replace")[:LINE_LENGTH]


def show(report: dict[str, Any]) -> None:
    """Print the report as a table for people."""
    say("status_head", url=report["url"], data=report["data"])
    for part in report["parts"]:
        memory = part["memory_bytes"]
        say(
            "status_part",
            name=part["name"],
            state=part["state"],
            pid=part["pid"] or "-",
            memory=f"{memory / 2**20:.0f} MB" if memory is not None else "-",
            version=part["version"] or "-",
            address=part["address"],
        )
        if part["last_error"]:
            say("status_error", error=part["last_error"])
    say("status_memory", memory=f"{report['memory_bytes'] / 2**20:.0f}")
    city = report["city"]
    if city["size"] != "empty" and "state" in city:
        details = ", ".join(f"{k}={v}" for k, v in city.items() if not isinstance(v, (dict, list)))
        say("status_city", details=details)
