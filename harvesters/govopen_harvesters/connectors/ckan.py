"""A CKAN site (2.9 or later): its public datasets by the API, in the order of their ids.

Each page is asked for after the last id, not by an offset, so that nothing shifts while datasets
come and go. Private datasets and those that are no datasets (harvest sources) are left out.

Once a site was read whole, a run asks for what has changed since, as long as the site holds as many
datasets as then; the whole is read again when it does not, and every so many runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode

from govopen_harvesters.canonical import clean_guid
from govopen_harvesters.contract import (
    DATASET,
    FILES,
    VALUES,
    Json,
    Option,
    Page,
    Record,
    Source,
    SourceFault,
    Web,
)

ROWS, LEAST_ROWS = 250, 10
TOO_LARGE = "fetch.E6"
SWEEP_EVERY = 7
OVERLAP = timedelta(hours=1)  # for what the site's index learns of late
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
LEFT_OUT = ("harvest", "harvest_source", "showcase")


class CkanConnector:
    """The datasets of a CKAN site."""

    kind = "ckan"
    version = 1
    outcome = DATASET
    label: Mapping[str, str] = {"zh": "CKAN 网站", "en": "CKAN site"}
    options: Sequence[Option] = (
        Option("url", "url", "网站地址", "Address of the site", is_required=True),
        Option("filter", "text", "筛选条件（fq）", "Filter (fq)"),
        Option("api_key", "secret", "API 令牌", "API token"),
        Option(
            "sweep_every",
            "number",
            "每几次归集读全部（其余只读有变化的）",
            "The whole site is read every so many runs",
            default=SWEEP_EVERY,
        ),
        FILES,
        Option("fields", "mapping", "字段对应", "Names and their fields"),
        VALUES,
        Option("constants", "mapping", "固定值", "Constants for absent fields"),
    )
    fields: Mapping[str, str] = {
        "title": "title",
        "notes": "notes",
        "tags": "tags",
        "resources": "resources",
        "license_id": "licence",
        "organization.title": "publisher",
        "maintainer": "contact_name",
        "maintainer_email": "contact_email",
        "url": "landing_page",
        "id": "",
        "name": "",
        "resources.url": "url",
        "resources.name": "name",
        "resources.format": "format",
        "resources.description": "description",
    }
    volatile = frozenset({"metadata_modified", "num_resources", "num_tags", "tracking_summary"})

    def pages(self, source: Source, web: Web) -> Iterator[Page]:
        """Pages by id, until one holds all that the site still counts."""
        site = _Site(source, web, **(source.cursor or {}))
        since = "" if source.cursor else _since(source)
        if since and site.count() == (source.watermark or {}).get("count"):
            site.since = since
        yield from site.pages()


CURSOR = ("since", "last", "declared", "passed", "newest")


@dataclass
class _Site:
    """One reading of a site, as far as it has come.

    Args:
        since: a moment before which nothing is asked for; empty for all there is.
        last: the id behind which the next page begins.
        declared: how many datasets the site counted when the reading began.
        passed: how many of them were none of ours.
        newest: when something there was changed last.
        rows: datasets that a page is asked for; fewer once so many were too large an answer.
    """

    source: Source
    web: Web
    since: str = ""
    last: str = ""
    declared: int | None = None
    passed: int = 0
    newest: str = ""
    rows: int = field(default_factory=lambda: ROWS)
    began: datetime = field(default_factory=lambda: datetime.now(timezone.utc))

    def count(self) -> int:
        """How many datasets there are at all."""
        return int(self._ask(0)[0]["count"])

    def pages(self) -> Iterator[Page]:
        """Datasets in the order of their ids."""
        while True:
            page = self._page(*self._ask_for_a_page())
            yield page
            if page.is_last:
                return

    def _ask_for_a_page(self) -> tuple[Mapping[str, Json], str]:
        """The answer to as many datasets as one may hold: half of them where it is too large."""
        try:
            return self._ask(self.rows)
        except SourceFault as fault:
            if fault.code != TOO_LARGE or self.rows <= LEAST_ROWS:
                raise
        self.rows = max(LEAST_ROWS, self.rows // 2)
        return self._ask_for_a_page()

    def _page(self, found: Mapping[str, Json], digest: str) -> Page:
        results = found["results"]
        self.declared = found["count"] if self.declared is None else self.declared
        wanted = [one for one in results if _is_wanted(one)]
        self.passed += len(results) - len(wanted)
        self._note([one for one in results if isinstance(one, Mapping)])
        # a site may give fewer than were asked for: what is left is what it counts
        is_last = not results or len(results) >= found["count"]
        return Page(
            [_record(one) for one in wanted],
            digest,
            declared=max(0, int(self.declared or 0) - self.passed),
            is_last=is_last,
            reached=self._reached() if is_last else None,
            covers_all=not self.since,
            left_out=len(results) - len(wanted),
            cursor=None if is_last else {name: getattr(self, name) for name in CURSOR},
        )

    def _note(self, results: Sequence[Mapping[str, Json]]) -> None:
        """Where the next page begins, and when something was changed last."""
        named = [str(one["id"]) for one in results if one.get("id")]
        self.last = named[-1] if named else self.last
        self.newest = max(
            [self.newest, *(_moment(one.get("metadata_modified")) for one in results)]
        )

    def _ask(self, rows: int) -> tuple[Mapping[str, Json], str]:
        options, key = self.source.options, self.source.secrets.get("api_key")
        wanted = [str(options["filter"])] if options.get("filter") else []
        wanted += [f'id:{{"{self.last}" TO *]'] if self.last else []
        wanted += [f"metadata_modified:[{self.since} TO *]"] if self.since else []
        asked = {"rows": str(rows), "sort": "id asc", "fq": " AND ".join(wanted)}
        query = urlencode({name: value for name, value in asked.items() if value})
        root = str(options["url"]).rstrip("/")
        headers = {"Authorization": key} if key else {}
        body, digest = self.web.json(f"{root}/api/3/action/package_search?{query}", headers)
        return _result(body), digest

    def _reached(self) -> Mapping[str, Json] | None:
        """What the next run goes by; a moment that is still to come is none."""
        known = (self.source.watermark or {}) if self.since else {}
        newest = max(self.newest, str(known.get("modified") or ""))
        if not newest:
            return None
        return {
            "modified": min(newest, self.began.strftime(MOMENT)),
            "count": known.get("count", self.declared),
            "runs": int(known.get("runs") or 0) + 1 if self.since else 0,
        }


def _since(source: Source) -> str:
    """The moment before which nothing is asked for; empty when the whole site is to be read."""
    known = source.watermark or {}
    every = int(source.options.get("sweep_every", SWEEP_EVERY))
    if not known.get("modified") or int(known.get("runs") or 0) + 1 >= every:
        return ""
    modified = datetime.strptime(str(known["modified"]), MOMENT).replace(tzinfo=timezone.utc)
    return (modified - OVERLAP).strftime(MOMENT)


def _moment(said: Json) -> str:
    """When a dataset was changed, in UTC as CKAN means it; empty when it does not say."""
    try:
        found = datetime.fromisoformat(str(said).replace("Z", "+00:00"))
        aware = found if found.tzinfo else found.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc).strftime(MOMENT)
    except (ValueError, OverflowError):
        return ""


def _result(body: Json) -> Mapping[str, Json]:
    """What the site answered: an answer of 200 that says no is a no."""
    result = body.get("result") if isinstance(body, Mapping) else None
    if not isinstance(result, Mapping) or body.get("success") is not True:
        raise SourceFault("harvest.E15", said=str(body)[:200])
    if not isinstance(result.get("results"), list) or not isinstance(result.get("count"), int):
        raise SourceFault("harvest.E14", name="results")
    return result


def _is_wanted(one: Json) -> bool:
    if not isinstance(one, Mapping):
        return True  # it is no dataset, which is said of it
    return not one.get("private") and one.get("type") not in LEFT_OUT


def _record(one: Json) -> Record:
    if not isinstance(one, Mapping):
        return Record(None, {"value": one}, problem="harvest.E2")
    raw = {str(name): value for name, value in one.items()}
    for extra in one.get("extras") or ():
        if isinstance(extra, Mapping) and isinstance(extra.get("key"), str):
            raw.setdefault(extra["key"], extra.get("value"))
    raw.pop("extras", None)
    return Record(clean_guid(one.get("id")), raw)


connector = CkanConnector()
