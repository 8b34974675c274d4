"""A CKAN site (2.9 or later): its public datasets by the API, in the order of their ids.

Each page is asked for after the last id, not by an offset, so that nothing shifts while datasets
come and go. Private datasets and those that are no datasets (harvest sources) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

ROWS = 100
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
        root = str(source.options["url"]).rstrip("/")
        key = source.secrets.get("api_key")
        headers = {"Authorization": key} if key else {}
        last, declared, passed = "", None, 0
        while True:
            url = f"{root}/api/3/action/package_search?{_query(source, last)}"
            body, digest = web.json(url, headers)
            found = _result(body)
            results = found["results"]
            declared = found["count"] if declared is None else declared
            wanted = [one for one in results if _is_wanted(one)]
            left_out = len(results) - len(wanted)
            passed += left_out
            # a site may give fewer than were asked for: what is left is what it counts
            is_last = not results or len(results) >= found["count"]
            yield Page(
                [_record(one) for one in wanted],
                digest,
                declared=max(0, declared - passed),
                is_last=is_last,
                left_out=left_out,
            )
            if is_last:
                return
            named = [
                str(one["id"]) for one in results if isinstance(one, Mapping) and one.get("id")
            ]
            last = named[-1] if named else last


def _query(source: Source, last: str) -> str:
    wanted = [str(source.options["filter"])] if source.options.get("filter") else []
    wanted += [f'id:{{"{last}" TO *]'] if last else []
    facts = {"rows": ROWS, "sort": "id asc", "fq": " AND ".join(wanted)}
    return urlencode({name: value for name, value in facts.items() if value})


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
