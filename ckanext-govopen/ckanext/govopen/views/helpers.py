"""Helpers of the templates, all named `govopen_*`: they compute, templates hold the words."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal
from flask import g, request
from markupsafe import Markup, escape

import ckan.model as model
import ckan.plugins.toolkit as tk

from ckanext.govopen import clock, config
from ckanext.govopen.domain import inventory_items
from ckanext.govopen.domain.rates import CYCLES, stale_ranges
from ckanext.govopen.logic import units
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.differences import label_of
from ckanext.govopen.logic.fetch import parts_of
from ckanext.govopen.logic.vocab import vocabularies

# Facets whose values are codes, with the vocabulary that names them.
CODED_FACETS = {
    "data_domain": "data_domain",
    "open_type": "open_type",
    "update_cycle": "update_cycle",
    "license_id": "licence",
}
PREVIEW_ROWS = 10
PREVIEWED_RESOURCES = 3
HISTORY_ROWS = 10
UNIT_DUTIES = 5  # overdue ones, and as many of those next due

log = logging.getLogger(__name__)
_HELPERS: dict[str, Callable[..., Any]] = {}


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offers a function to templates as `h.govopen_<name>`."""
    _HELPERS[f"govopen_{function.__name__}"] = function
    return function


def all_helpers() -> dict[str, Callable[..., Any]]:
    return dict(_HELPERS)


# --- words ---------------------------------------------------------------------------------------


@helper
def is_chinese() -> bool:
    return bool(tk.h.lang().startswith("zh"))


@helper
def label(term: Mapping[str, Any] | None) -> str:
    """The text of a label `{zh, en}` in the reader's language."""
    if not term:
        return ""
    return str(term["zh"] if is_chinese() else term["en"])


@helper
def term(vocabulary: str, code: object) -> str:
    """The label of a code; the code itself when the list does not know it."""
    if code in (None, ""):
        return ""
    found = vocabularies().get(vocabulary)
    if found is None or str(code) not in found:
        return str(code)
    return found[str(code)].zh if is_chinese() else found[str(code)].en


@helper
def term_extra(vocabulary: str, code: object, name: str) -> str:
    """A further text of a term in the reader's language: its `extra` `<name>_zh`, `<name>_en`."""
    found = vocabularies().get(vocabulary)
    if found is None or str(code) not in found:
        return ""
    return str(found[str(code)].extra.get(f"{name}_{'zh' if is_chinese() else 'en'}") or "")


@helper
def term_url(vocabulary: str, code: object) -> str | None:
    """Where the text behind a code stands (a licence), if the list says so."""
    found = vocabularies().get(vocabulary)
    if found is None or str(code) not in found:
        return None
    url = found[str(code)].extra.get("url")
    return str(url) if url else None


@helper
def day(value: object) -> str:
    """A date in Asia/Shanghai as it stands in tables: 2026-11-21."""
    moment = _moment(value)
    return moment.isoformat() if moment else ""


@helper
def long_day(value: object) -> str:
    """A date as it stands in prose."""
    moment = _moment(value)
    if moment is None:
        return ""
    return format_date(moment, "long", locale="zh_Hans_CN" if is_chinese() else "en")


@helper
def minute(value: object) -> str:
    """A moment in Asia/Shanghai: 2026-11-21 09:30."""
    if not value:
        return ""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(clock.SITE_ZONE).strftime("%Y-%m-%d %H:%M")


def _moment(value: object) -> date | None:
    if not value:
        return None
    if isinstance(value, str):
        value = date.fromisoformat(value) if len(value) == len("2026-11-21") else _parsed(value)
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        return zoned.astimezone(clock.SITE_ZONE).date()
    return value if isinstance(value, date) else None


def _parsed(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@helper
def number(value: Any) -> str:
    return "" if value is None else str(format_decimal(value, locale="en"))


@helper
def said(value: Any) -> str:
    """What a source says, as JSON that people can read."""
    return json.dumps(value, ensure_ascii=False, indent=1)


@helper
def size(value: object) -> str:
    """Bytes in the unit that reads best, in powers of 1024."""
    if not isinstance(value, (int, float)):
        return ""
    amount, units = float(value), ("B", "KB", "MB", "GB", "TB")
    place = 0
    while amount >= 1024 and place < len(units) - 1:
        amount, place = amount / 1024, place + 1
    return f"{amount:.0f} {units[place]}" if place == 0 else f"{amount:.1f} {units[place]}"


@helper
def scanned_field(name: str) -> str:
    """The field of a dataset in whose text the scan found something, by its label."""
    field = name.removeprefix("extras.").partition(".")[0]
    return str(label(label_of(field)))


@helper
def extract(text: str | None, length: int) -> str:
    """The beginning of a text without its markup, cut anywhere: Chinese has no space to cut at."""
    plain = str(tk.h.markdown_extract(text or "", extract_length=0))
    return plain if len(plain) <= length else plain[:length].rstrip() + "…"


@helper
def marked(text: str, query: str | None) -> Markup:
    """A text with the words of the query marked."""
    words = [word for word in (query or "").split() if word]
    if not words:
        return escape(text)
    lowered, spans, place = text.lower(), [], 0
    while place < len(text):
        hit = next((w for w in words if lowered.startswith(w.lower(), place)), None)
        if hit is None:
            spans.append(escape(text[place]))
            place += 1
        else:
            spans.append(Markup("<mark>{}</mark>").format(text[place : place + len(hit)]))
            place += len(hit)
    return Markup("").join(spans)


# --- frame ---------------------------------------------------------------------------------------


@helper
def site_note() -> dict[str, Any] | None:
    """Business date of a demo or test database; None on a real one."""
    today = clock.settable_today()
    return {"today": today.isoformat()} if today else None


@helper
def today() -> str:
    return clock.today().isoformat()


@helper
def locales() -> list[dict[str, Any]]:
    """The languages offered, each by its own name, with this page in it."""
    current = tk.h.lang()
    found = []
    for code in tk.config["ckan.locales_offered"]:
        locale = Locale.parse(code)
        found.append(
            {
                "code": code,
                "tag": code.replace("_", "-"),
                "name": (locale.languages[locale.language]).capitalize(),
                "url": tk.h.url_for(tk.h.current_url(), locale=code),
                "is_current": code == current,
            }
        )
    return found


@helper
def navigation() -> list[dict[str, Any]]:
    """The entries of the main navigation, with the one of this page marked."""
    entries = [
        ("/dataset/", tk._("Datasets")),
        ("/organization/", tk._("Units")),
        ("/registers", tk._("Registers")),
        ("/standards", tk._("Standard catalogue")),
        ("/rates", tk._("Opening rates")),
        ("/duties", tk._("Duties")),
        ("/developers", tk._("Developers")),
    ]
    if tk.current_user.is_authenticated:
        entries.append(("/workbench", tk._("Workbench")))
    path = request.path
    return [
        {"url": tk.h.url_for(url), "name": name, "is_current": path.startswith(url.rstrip("/"))}
        for url, name in entries
    ]


@helper
def with_parameters(**changes: object) -> str:
    """The address of this page with some parameters changed; None takes one away."""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in changes]
    query = urlencode(
        kept + [(name, value) for name, value in changes.items() if value is not None]
    )
    return f"{tk.h.url_for(request.path)}?{query}" if query else str(tk.h.url_for(request.path))


@helper
def twin(extension: str) -> str:
    """The address of this table as a file, with the same filters."""
    query = request.query_string.decode()
    return request.path.rstrip("/") + f".{extension}" + (f"?{query}" if query else "")


@helper
def host_of(url: str) -> str:
    """Where a link leads; nothing for a text that is no address."""
    return parts_of(url).netloc


@helper
def reference(code: object) -> str:
    """A number for an error page, under which the log holds the request."""
    number = uuid4().hex[:12]
    log.warning("reference %s: %s on %s", number, code, request.path)
    return number


@helper
def city_loading() -> dict[str, Any] | None:
    """How far the fictional city is while it loads and its clock moves; None otherwise."""
    try:
        facts: dict[str, Any] = json.loads((config.data_path() / "city.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return facts if facts.get("state") == "loading" and clock.is_settable() else None


@helper
def fresh_page() -> str:
    """Forgets what a page that broke off had included: the error page has its own head."""
    g.pop("_webassets", None)
    model.Session.rollback()  # what broke off may have been a statement
    return ""


@helper
def gone() -> dict[str, Any] | None:
    """Date and class of ground when what is asked for was withdrawn, else None."""
    error = g.get("govopen_error")
    return error if error and error.get("status") == 410 else None


@helper
def shows_search() -> bool:
    """Whether the head of the page has a search box: not where the page itself is one."""
    return request.path.rstrip("/") not in ("", "/dataset")


# --- datasets ------------------------------------------------------------------------------------


def facets(found: dict[str, Any]) -> dict[str, Any]:
    """The facets of the dataset search, in the order in which they are shown."""
    found.clear()
    found.update(
        organization=tk._("Units"),
        data_domain=tk._("Data domains"),
        res_format=tk._("Formats"),
        open_type=tk._("Open types"),
        update_cycle=tk._("Update cycles"),
        tags=tk._("Tags"),
    )
    return found


@helper
def facet_items(name: str, search_facets: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Values of a facet with their labels, chosen ones first."""
    items = tk.h.get_facet_items_dict(name, search_facets)
    return [
        {
            **item,
            "label": facet_label(name, item["name"], item.get("display_name")),
            "url": with_parameters_toggled(name, item["name"], bool(item["active"])),
        }
        for item in items
    ]


@helper
def facet_label(name: str, value: str, shown: str | None = None) -> str:
    vocabulary = CODED_FACETS.get(name)
    return str(term(vocabulary, value) if vocabulary else shown or value)


def with_parameters_toggled(name: str, value: str, is_active: bool) -> str:
    kept = [
        pair
        for pair in request.args.items(multi=True)
        if pair != (name, value) and pair[0] != "page"
    ]
    if not is_active:
        kept.append((name, value))
    query = urlencode(kept)
    return f"{tk.h.url_for(request.path)}?{query}" if query else str(tk.h.url_for(request.path))


@helper
def freshness(pkg: Mapping[str, Any]) -> dict[str, Any] | None:
    """Whether a dataset keeps its update cycle: on time, late since a day, or stopped."""
    stat = pkg.get("stat") or {}
    updated = _moment(stat.get("last_data_date") or stat.get("last_updated"))
    cycle = CYCLES.get(str(pkg.get("update_cycle")))
    if updated is None:
        return None
    ranges = stale_ranges([updated], cycle, work_calendar())
    now = clock.today()
    late = [found for found in ranges if found.from_on <= now]
    if not late:
        due = ranges[0].from_on.isoformat() if ranges else None
        return {"state": "on_time", "updated": updated.isoformat(), "late_from": due}
    dead = late[-1].dead_from
    state = "stopped" if dead and dead <= now else "late"
    return {
        "state": state,
        "updated": updated.isoformat(),
        "late_from": late[-1].from_on.isoformat(),
    }


@helper
def formats(pkg: Mapping[str, Any]) -> list[str]:
    found = (str(res.get("format") or "").upper() for res in pkg.get("resources", []))
    return sorted({name for name in found if name})


@helper
def preview(resource: Mapping[str, Any], limit: int = PREVIEW_ROWS) -> dict[str, Any] | None:
    """First rows of a resource whose file is a table; None when there is none to show."""
    if not resource.get("datastore_active"):
        return None
    try:
        found = tk.get_action("datastore_search")(
            {"user": tk.current_user.name, "auth_user_obj": tk.current_user},
            {"resource_id": resource["id"], "limit": limit, "include_total": True},
        )
    except (tk.ObjectNotFound, tk.NotAuthorized):
        return None
    fields = [field for field in found["fields"] if field["id"] != "_id"]
    return {"fields": fields, "records": found["records"], "total": found.get("total")}


@helper
def previews(resources: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Previews by resource id, of the first tables of a dataset."""
    tables = [res for res in resources if res.get("datastore_active")][:PREVIEWED_RESOURCES]
    return {res["id"]: preview(res) for res in tables}


@helper
def is_numeric(field: Mapping[str, Any]) -> bool:
    return str(field.get("type")) in ("int4", "int8", "numeric", "float8", "int", "float")


@helper
def entry_codes(pkg: Mapping[str, Any], origin: Mapping[str, Any]) -> list[dict[str, str]]:
    """The inventory entries that a dataset opens, each with its page where it has one.

    Args:
        origin: what `provenance` says of the dataset.
    """
    registers = {one["entry_code"]: one["register_id"] for one in origin.get("entries", ())}
    return [
        {
            "code": code,
            "path": f"/registers/{registers[code]}/entries/{code}" if code in registers else "",
        }
        for code in pkg.get("entry_codes") or []
    ]


@helper
def history(pkg: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The newest versions of a dataset that were public."""
    found = _call("govopen_published_version_list", id=pkg["id"], limit=HISTORY_ROWS)
    return list((found or {}).get("items", ()))


@helper
def what_changed(changes: Mapping[str, Any] | None) -> list[str]:
    """What a version changed, in words: fields, and how many files; of the first one nothing."""
    if changes is None:
        return []
    said = [label(label_of(name)) for name in changes["fields"]]
    if changes["files_changed"]:
        said.append(tk._("{count} files changed").format(count=changes["files_changed"]))
    if changes["files_added"]:
        said.append(tk._("{count} files added").format(count=changes["files_added"]))
    if changes["files_removed"]:
        said.append(tk._("{count} files removed").format(count=changes["files_removed"]))
    return said


@helper
def provenance(pkg: Mapping[str, Any]) -> dict[str, Any]:
    """Where a dataset comes from; nothing where the reader may not read it."""
    return dict(_call("govopen_dataset_provenance_show", id=pkg["id"]) or {})


# --- units and rates -----------------------------------------------------------------------------


def _call(action: str, **parameters: object) -> Any:
    """The answer of a read action for this reader; None when there is nothing to read."""
    context = {"user": tk.current_user.name, "auth_user_obj": tk.current_user}
    try:
        return tk.get_action(action)(context, dict(parameters))
    except (tk.ObjectNotFound, tk.NotAuthorized, tk.ValidationError):
        return None


@helper
def unit(unit_id: str) -> dict[str, Any] | None:
    return _call("govopen_unit_show", id=unit_id)  # type: ignore[no-any-return]


@helper
def successor(unit_id: str) -> dict[str, Any] | None:
    """The unit that answers for one that has ended."""
    return units.successor_of(model.Session, unit_id)


@helper
def unit_rates(unit_id: str) -> dict[str, Any] | None:
    """A unit's part of both rates today, headline figures."""
    card = _call("govopen_unit_scorecard", unit=unit_id)
    if not card:
        return None
    return {rate: card[rate]["headline"] for rate in ("open_unit_rate", "data_open_rate")}


@helper
def unit_registers(unit_id: str) -> list[dict[str, Any]]:
    return (_call("govopen_register_list", unit=unit_id, limit=1000) or {}).get("items", [])  # type: ignore[no-any-return]


@helper
def unit_owed_registers(unit_id: str) -> list[dict[str, Any]]:
    """Lists that a text asks of a unit and that it has not published."""
    return (_call("govopen_owed_register_list", unit=unit_id) or {}).get("items", [])  # type: ignore[no-any-return]


@helper
def unit_duties(unit_id: str) -> dict[str, Any] | None:
    """What a unit owes: how many duties stand where, the overdue ones, and those next due."""
    counted = _call("govopen_duty_list", unit=unit_id, limit=1, include_total=True)
    if not counted:
        return None
    late, next_due = (
        _call("govopen_duty_list", unit=unit_id, state=state, limit=UNIT_DUTIES)["items"]
        for state in ("overdue", "running")
    )
    return {"counts": counted["counts"], "items": [*late, *next_due]}


@helper
def fields(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The filled fields of an inventory entry in the order of the standard, less its name."""
    order = {code: place for place, code in enumerate(vocabularies()["inventory_field"].codes)}
    shown = [
        (name, value)
        for name, value in found.items()
        if name not in ("name", "source_fields") and value not in (None, "", [])
    ]
    return sorted(shown, key=lambda pair: (order.get(pair[0], len(order)), pair[0]))


@helper
def field_value(name: str, value: Any) -> str:
    """The value of an inventory field as a reader sees it."""
    found = vocabularies()["inventory_field"]
    vocabulary = found[name].extra.get("vocabulary") if name in found else None
    if isinstance(value, bool):
        return str(tk._("yes") if value else tk._("no"))
    if isinstance(value, list):
        return _list_value(vocabulary, value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, dict):
        return str(tk._(", ")).join(f"{key}{tk._(': ')}{part}" for key, part in value.items())
    return str(term(str(vocabulary), value)) if vocabulary else "" if value is None else str(value)


@helper
def item_changes(old: Any, new: Any) -> tuple[list[str], list[str]]:
    """Data items that are no more as they were, and those that are new: each whole."""
    before, after = ([item_words(one) for one in part or []] for part in (old, new))
    return [text for text in before if text not in after], [t for t in after if t not in before]


@helper
def item_words(item: Mapping[str, Any]) -> str:
    """A data item with everything that is said of it, in the words of the reader."""
    size = f"({item['length']})" if item.get("length") else ""
    name = item.get("name_zh") or item.get("name_en") or item.get("code") or ""
    words = [f"{name} {item.get('data_type') or ''}{size}".strip()]
    for rule in inventory_items.ITEM_RULES:
        value = item.get(rule.name)
        if rule.name not in ("name_zh", "data_type", "length") and value not in (None, "", name):
            said = term(rule.vocabulary, value) if rule.vocabulary else field_value("", value)
            words.append(f"{term('item_field', rule.name)}{tk._(': ')}{said}")
    return " · ".join(words)


def _list_value(vocabulary: object, values: Sequence[Any]) -> str:
    shown = []
    for value in values:
        if isinstance(value, dict):
            shown.append(item_words(value))
        elif isinstance(value, (list, tuple)):
            shown.append(str(tk._(": ")).join(str(part) for part in value))
        else:
            shown.append(str(term(str(vocabulary), value) if vocabulary else value))
    return str(tk._(", ")).join(shown)
