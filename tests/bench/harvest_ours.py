"""The platform's harvest in a process of its own, as a worker runs it, for the benchmark of harvests.

A program of its own: `python -m tests.bench.harvest_ours DATA HOST` answers each line of its input,
an object that says what to do, by a line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

from tests.bench import measure
from tests.bench.written import Written

TESTS = measure.ROOT / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "integration" / "logic" / "action")]
MEGABYTES = 400
COUNTS = ("seen", "unchanged", "created", "updated", "rejected", "conflict", "missing", "removed")


def main(data: Path, host: str, answers: Any) -> None:
    from harvest_kit import field_of

    import ckan.plugins.toolkit as tk

    application = measure.application(data)
    tk.config["ckanext.govopen.inside_hosts"] = [host]
    tk.config["ckanext.govopen.harvest_megabytes"] = MEGABYTES
    with field_of(application, data) as field:
        ours = Ours(field, data)
        for line in sys.stdin:
            told = json.loads(line)
            answers.write(json.dumps(getattr(ours, told.pop("do"))(**told)) + "\n")
            answers.flush()


class Ours:
    """What it is told."""

    def __init__(self, field: Any, data: Path) -> None:
        self.field, self.data = field, data

    def source(self, kind: str, url: str, outcome: str, **settings: Any) -> dict[str, Any]:
        """A source whose first run counts as approved."""
        made = self.field.approved(
            kind=kind, unit=self.field.office.unit_id, outcome=outcome,
            settings={"url": url, **settings},
        )  # fmt: skip
        return {"id": made["id"]}

    def run(self, source: str, is_whole: bool = True) -> dict[str, Any]:
        """A run; a whole one goes by nothing that a run before has reached."""
        import ckan.model as model

        if is_whole:
            self.field.sql(
                "UPDATE govopen_harvest_source SET watermark = NULL WHERE id = :id", id=source
            )
        connection = measure.superuser(self.data)
        written, cpu, began = Written(connection), _cpu(), time.perf_counter()
        job = self.field.run({"id": source})
        seconds, spent = time.perf_counter() - began, _cpu() - cpu
        model.meta.engine.dispose()  # what a connection has written is known once it has ended
        time.sleep(0.5)
        rows = written.rows()
        connection.close()
        return {
            "seconds": seconds, "cpu": spent, "state": job["state"], "error": job["error"],
            "counts": {name: job[name] for name in COUNTS if job[name]}, "rows": rows,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        }  # fmt: skip

    def held(self, source: str) -> dict[str, Any]:
        """Titles and links by what the source calls each dataset."""
        rows = self.field.sql(
            "SELECT o.guid, p.title, (SELECT json_agg(r.url ORDER BY r.url) FROM resource r"
            " WHERE r.package_id = p.id AND r.state = 'active') FROM govopen_harvest_object o"
            " JOIN package p ON p.id = o.record_id AND p.state = 'active'"
            " WHERE o.source_id = :id AND o.state = 'kept'",
            id=source,
        )
        return {guid.rpartition("/")[2]: [title, links] for guid, title, links in rows}


def _cpu() -> float:
    """Of this process and of the programs that it has had read for it."""
    own, read = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + read.ru_utime + read.ru_stime


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # what CKAN prints is no answer
    main(Path(sys.argv[1]), sys.argv[2], answers)
