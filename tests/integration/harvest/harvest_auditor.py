"""Compares what a source has with database, index and API, and adds the runs up anew.

It shares nothing with the pipeline: SQL, Solr and the API are asked as a stranger would ask them.
Its answer is a list of sentences; an empty one means that nothing is lost, doubled or hidden.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from configparser import RawConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras

ENDS = ("finished", "partial", "failed", "cancelled")
CLASSES = ("unchanged", "created", "updated", "rejected", "conflict")
OPEN_SECONDS = 10


@dataclass(frozen=True)
class Truth:
    """What should be here of a source.

    Args:
        titles: of every record that is kept, by its guid.
        dead: guids that could not be taken, each with the code of its reason.
        lost: guids that are kept although the source no longer has them.
    """

    titles: Mapping[str, str]
    dead: Mapping[str, str] = field(default_factory=dict)
    lost: Sequence[str] = ()


class Auditor:
    """Asks the stack of one data folder.

    Args:
        token: of somebody who keeps every source.
    """

    def __init__(self, data_folder: Path, site_url: str, token: str) -> None:
        settings = RawConfigParser()
        settings.read(data_folder / "ckan.ini", encoding="utf-8")
        self._settings = dict(settings["app:main"])
        self._folder, self._site, self._token = data_folder, site_url, token
        url = self._settings["sqlalchemy.url"].replace("+psycopg2", "")
        self._connection = psycopg2.connect(url)
        self._connection.autocommit = True

    def close(self) -> None:
        self._connection.close()

    def again(self) -> Auditor:
        """The same with a new connection, after the database has come back."""
        self.close()
        return Auditor(self._folder, self._site, self._token)

    def rows(self, sql: str, **values: Any) -> list[dict[str, Any]]:
        with self._connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
            cursor.execute(sql, values)
            return [dict(row) for row in cursor.fetchall()]

    def findings(self, source: str, truth: Truth, *, by_interface: bool = True) -> list[str]:
        """Every sentence that does not hold of a source.

        Args:
            by_interface: False leaves the API out, where nothing went wrong that it could hide.
        """
        row = self.rows("SELECT * FROM govopen_harvest_source WHERE id = %(id)s", id=source)[0]
        kept = self._kept(source)
        return [
            *self._records(kept, truth),
            *self._doubles(row, kept),
            *self._index(row, kept),
            *(self._interface(row, kept, truth) if by_interface else ()),
            *self._accounts(source, kept),
            *(self._letters(source, truth) if by_interface else ()),
            *self._leftovers(source),
        ]

    # --- records ---------------------------------------------------------------------------------

    def _kept(self, source: str) -> list[dict[str, Any]]:
        return self.rows(
            "SELECT o.guid, o.record_id, o.record_type, o.state,"
            " coalesce(d.name, p.title) AS title, coalesce(d.status, p.state) AS record_state,"
            " p.private FROM govopen_harvest_object o"
            " LEFT JOIN govopen_data_resource d ON o.record_type = 'entry'"
            "  AND d.entry_code = o.record_id"
            " LEFT JOIN package p ON o.record_type = 'package' AND p.id = o.record_id"
            " WHERE o.source_id = %(id)s AND o.state <> 'removed' ORDER BY o.guid",
            id=source,
        )

    def _records(self, kept: Sequence[Mapping[str, Any]], truth: Truth) -> list[str]:
        found = {row["guid"]: row for row in kept}
        wanted = {*truth.titles, *truth.lost}
        wrong = [f"{guid} is not here" for guid in sorted(wanted - found.keys())]
        wrong += [f"{guid} should not be here" for guid in sorted(found.keys() - wanted)]
        for guid, title in truth.titles.items():
            row = found.get(guid)
            if row and row["title"] != title:
                wrong.append(f"{guid} is called {row['title']!r}, not {title!r}")
            if row and row["record_state"] in (None, "deleted", "retired"):
                wrong.append(f"{guid} names a record that is {row['record_state']}")
        return wrong

    def _doubles(self, source: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> list[str]:
        """No record is here twice, and none that no guid stands for."""
        counted = Counter(row["record_id"] for row in kept)
        wrong = [f"{one} stands for two guids" for one, count in counted.items() if count > 1]
        own = self.rows(
            "SELECT entry_code AS id FROM govopen_data_resource WHERE source_id = %(id)s"
            " AND status <> 'retired'",
            id=source["id"],
        )
        if source["outcome"] == "dataset":
            own = self.rows(
                "SELECT p.id FROM package p WHERE p.owner_org = %(unit)s AND p.state <> 'deleted'"
                " AND p.type = 'dataset' AND NOT EXISTS (SELECT FROM govopen_harvest_object o"
                "  WHERE o.record_id = p.id AND o.source_id <> %(id)s)"
                " AND p.title LIKE '公共停车场%%'",
                unit=source["unit_id"],
                id=source["id"],
            )
        strays = {row["id"] for row in own} - counted.keys()
        return wrong + [f"{one} is here and no guid stands for it" for one in sorted(strays)]

    # --- index and interface ---------------------------------------------------------------------

    def _index(self, source: Mapping[str, Any], kept: Sequence[Mapping[str, Any]]) -> list[str]:
        """Each dataset is in the index under its title, and none that is gone."""
        if source["outcome"] != "dataset":
            return []
        ids = [row["record_id"] for row in kept]
        waits = self.rows(
            "SELECT DISTINCT package_id FROM govopen_index_outbox WHERE package_id = ANY(%(ids)s)",
            ids=ids,
        )
        wrong = [f"{row['package_id']} waits for the index" for row in waits]
        found = {doc["id"]: doc["title"] for doc in self._documents(str(source["unit_id"]))}
        for row in kept:
            if found.get(row["record_id"]) != row["title"]:
                shown = found.get(row["record_id"])
                wrong.append(f"the index calls {row['guid']} {shown!r}, not {row['title']!r}")
        known = self.rows(
            "SELECT id FROM package WHERE owner_org = %(unit)s AND state <> 'deleted'",
            unit=source["unit_id"],
        )
        ghosts = found.keys() - {row["id"] for row in known}
        return wrong + [f"the index has {one}, the database has not" for one in sorted(ghosts)]

    def _documents(self, unit_id: str) -> list[dict[str, Any]]:
        asked = {
            "q": "*:*",
            "fq": f'+entity_type:package +owner_org:"{unit_id}"',
            "fl": "id,title",
            "rows": "10000",
            "wt": "json",
        }
        url = f"{self._settings['solr_url'].rstrip('/')}/select?{urllib.parse.urlencode(asked)}"
        request = urllib.request.Request(url)  # noqa: S310 the stack's own
        if user := self._settings.get("solr_user"):
            secret = f"{user}:{self._settings['solr_password']}".encode()
            request.add_header("Authorization", f"Basic {b64encode(secret).decode()}")
        with urllib.request.urlopen(request, timeout=OPEN_SECONDS) as got:  # noqa: S310
            documents: list[dict[str, Any]] = json.load(got)["response"]["docs"]
        return documents

    def ask(self, action: str, **data: Any) -> Any:
        """An action over HTTP, as a stranger with a token calls it."""
        request = urllib.request.Request(  # noqa: S310 the stack's own
            f"{self._site}/api/3/action/{action}?{urllib.parse.urlencode(data)}",
            headers={"Authorization": self._token},
        )
        with urllib.request.urlopen(request, timeout=OPEN_SECONDS) as got:  # noqa: S310
            return json.load(got)["result"]

    def _all(self, action: str, **data: Any) -> list[dict[str, Any]]:
        """Every page of a list."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.ask(action, limit=1000, cursor=cursor, **data)
            found += page["items"]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                return found

    def _interface(
        self, source: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], truth: Truth
    ) -> list[str]:
        """The API says the same as the database, and hides nothing that went wrong."""
        shown = self._all("govopen_harvest_object_list", source=source["id"])
        said = {row["guid"]: row["title"] for row in shown if row["state"] != "removed"}
        wrong = []
        if said != {row["guid"]: row["title"] for row in kept}:
            wrong.append("the API lists other records than the database")
        for row in [row for row in kept if row["record_type"] == "package"][:2]:
            try:
                dataset = self.ask("package_show", id=row["record_id"])
            except urllib.error.HTTPError as absent:
                wrong.append(f"the API answers {absent.code} for {row['guid']}")
                continue
            if (dataset["title"], dataset["private"]) != (row["title"], row["private"]):
                wrong.append(f"the API shows {row['guid']} otherwise than the database")
        health = self.ask("govopen_harvest_source_show", id=source["id"])
        if truth.dead and health["health"] == "good":
            wrong.append("the source is said to be good although records could not be taken")
        return wrong

    # --- accounts --------------------------------------------------------------------------------

    def _accounts(self, source: str, kept: Sequence[Mapping[str, Any]]) -> list[str]:
        runs = self.rows(
            "SELECT * FROM govopen_harvest_job WHERE source_id = %(id)s ORDER BY created_at, id",
            id=source,
        )
        wrong = []
        for run in runs:
            wrong += self._account(run)
        whole = [run for run in runs if run["state"] in ("finished", "partial")]
        counted = [run for run in whole if run["kind"] != "dry_run"]
        if counted and runs[-1] is counted[-1] and counted[-1]["known_after"] != len(kept):
            wrong.append(f"{counted[-1]['known_after']} are said to be known, {len(kept)} are")
        return wrong

    def _account(self, run: Mapping[str, Any]) -> list[str]:
        name, wrong = f"run {run['id'][:8]} ({run['state']})", []
        if run["state"] in ("finished", "partial") and run["kind"] != "dry_run":
            if run["seen"] != sum(run[one] for one in CLASSES):
                wrong.append(f"{name}: seen is not the sum of its classes")
            if run["known_after"] != run["known_before"] + run["created"] - run["removed"]:
                wrong.append(f"{name}: what is known does not follow from what was")
            lines = self.rows(
                "SELECT verdict, count(*) AS count FROM govopen_harvest_change"
                " WHERE job_id = %(id)s GROUP BY verdict",
                id=run["id"],
            )
            said = {row["verdict"]: row["count"] for row in lines}
            wrong += [
                f"{name}: {run[one]} {one}, {said.get(one, 0)} in the report"
                for one in ("created", "updated", "conflict", "removed")
                if said.get(one, 0) != run[one]
            ]
        if run["state"] in ("partial", "failed"):
            shown = self.ask("govopen_harvest_job_show", id=run["id"])
            reason = shown["error"]
            if run["state"] == "failed" and not (reason and reason["text"]):
                wrong.append(f"{name}: nobody is told why")
            if run["state"] == "partial" and not (reason or _is_short(shown["evidence"])):
                wrong.append(f"{name}: nobody is told what is lacking")
        if run["ended_at"] and run["started_at"] and run["ended_at"] < run["started_at"]:
            wrong.append(f"{name}: it ended before it began")
        return wrong

    def _letters(self, source: str, truth: Truth) -> list[str]:
        """What could not be taken is listed with its reason in words, and nothing else is."""
        shown = self._all("govopen_harvest_dead_list", source=source)
        said = {row["guid"]: row["problem"]["code"] for row in shown}
        wrong = [] if said == dict(truth.dead) else [f"dead letters: {said}, not {truth.dead}"]
        return wrong + [
            f"the reason of {row['guid']} is not in words"
            for row in shown
            if row["problem"]["text"] in ("", row["problem"]["code"])
        ]

    def _leftovers(self, source: str) -> list[str]:
        """Nothing of an ended run is left behind, and no run stands still."""
        staged = self.rows(
            "SELECT DISTINCT j.id, j.state FROM govopen_harvest_job j"
            " JOIN govopen_harvest_stage t ON t.job_id = j.id WHERE j.source_id = %(id)s",
            id=source,
        )
        still = self.rows(
            "SELECT id FROM govopen_harvest_job WHERE source_id = %(id)s AND state = 'running'",
            id=source,
        )
        return [
            *(f"run {row['id'][:8]} is over and staged" for row in staged if row["state"] in ENDS),
            *(f"run {row['id'][:8]} is said to be at work" for row in still),
        ]


def _is_short(evidence: Mapping[str, Any]) -> bool:
    """The evidence itself says that the set was not whole."""
    declared = evidence.get("declared")
    return bool(
        not evidence.get("is_terminated")
        or evidence.get("faults")
        or evidence.get("repeated")
        or (declared is not None and evidence["records"] < declared)
    )
