"""Registers at any date, their differences, a large publishing, and the proof of their bytes.

Twenty lists hold the entries; 10,000 adjustments of twenty entries each lie behind them, whatever
their size, so that what grows is the size of a list and not what happened to it in a year.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.bench import measure

SIZES = (10_000, 100_000, 1_000_000)
ADJUSTMENTS = 10_000
LISTS = 20
ROWS_OF_AN_ADJUSTMENT = 5_000
FIRST, LAST = date(2017, 2, 1), date(2025, 12, 31)
RUNS = 30
PAGE_BAR_MS, DIFF_BAR_MS, PUBLISH_BAR_MS = 60, 400, 10_000
VERIFY_BAR = 200_000  # entries a second
GROWTH_BAR = 2.0  # the largest size against the smallest
SQL = Path(__file__).with_suffix(".sql")
KIT = measure.ROOT / "tests" / "integration" / "logic" / "action"
# The same rows of one list on a day, found without the spans: by what the versions hold.
PAGE_SCAN = (
    "SELECT DISTINCT ON (e.entry_code) e.entry_code, l.public FROM govopen_register_version_entry e"
    " JOIN govopen_register_version v ON v.id = e.version_id"
    " JOIN govopen_register_log l ON l.seq = e.log_seq"
    " WHERE e.register_id = %s AND e.effective_on <= %s AND e.entry_code > %s"
    " ORDER BY e.entry_code, e.effective_on DESC, v.number DESC LIMIT 100"
)
Act = Callable[[], object]


def run(rows: list[int] | None, data: Path | None) -> list[dict[str, Any]]:
    """Loads each size in sets as the superuser and measures through the actions."""
    found: list[dict[str, Any]] = []
    with measure.stack(data) as folder:
        app = measure.application(folder)
        sys.path.insert(0, str(KIT))
        from publishing_kit import office

        connection = measure.superuser(folder)
        connection.autocommit = True
        with office(app) as keeper:
            for size in rows or SIZES:
                began = time.perf_counter()
                cursor = connection.cursor()
                load(cursor, size, keeper.unit_id)
                measure.say(f"{size} entries in {time.perf_counter() - began:.0f} s")
                if size == min(rows or SIZES):
                    same_as_published(app)
                about = {"rows": size, "lists": LISTS, "adjustments": ADJUSTMENTS}
                found += [{**about, **figure} for figure in figures(app, cursor, keeper)]
    return found + growth(found)


def load(cursor: Any, entries: int, unit_id: str) -> None:
    facts = {"entries": entries, "versions": ADJUSTMENTS, "unit": unit_id}
    cursor.execute(SQL.read_text(encoding="utf-8"), facts)
    cursor.execute(
        "VACUUM (ANALYZE) govopen_register_span, govopen_register_step, govopen_register_log,"
        " govopen_register_entry, govopen_register_version_entry, govopen_register_version, govopen_review,"
        " govopen_register_code, govopen_register"
    )


def same_as_published(app: Any) -> None:
    """The sets say what publishing the versions one after the other would have written."""
    import ckan.model as model

    from ckanext.govopen.model import spans

    one = f"register-{LISTS}"
    with app.test_request_context("/"):
        before = spans.mark(model.Session, one)
        spans.rebuild(model.Session, one)
        if spans.mark(model.Session, one) != before:
            raise RuntimeError("the loaded spans are not those of the log")
        model.Session.rollback()
        model.Session.remove()


def figures(app: Any, cursor: Any, keeper: Any) -> list[dict[str, Any]]:
    chance = random.Random(17)  # noqa: S311 - a sample, no secret
    days = [FIRST + timedelta(days=chance.randint(0, (LAST - FIRST).days)) for _ in range(RUNS)]
    asked = [(f"register-{chance.randint(1, LISTS)}", day) for day in days]
    return [
        a_page(app, cursor, asked, chance),
        a_year(app, cursor, asked),
        a_publishing(keeper),
        *the_proof(app, cursor),
    ]


def call(app: Any, action: str, **asked: Any) -> Act:
    import ckan.model as model
    import ckan.plugins.toolkit as tk

    def act() -> object:
        with app.test_request_context("/"):
            try:
                return tk.get_action(action)({"user": "", "ignore_auth": False}, dict(asked))
            finally:
                model.Session.remove()  # as a request ends: the next load empties these tables

    return act


def scan(cursor: Any, sql: str, *values: object) -> Act:
    def act() -> object:
        cursor.execute(sql, values)
        return cursor.fetchall()

    return act


def a_page(
    app: Any, cursor: Any, asked: list[tuple[str, date]], chance: random.Random
) -> dict[str, Any]:
    """A hundred entries from anywhere in a list, as of a day."""
    cursor.execute("SELECT count(*) FROM govopen_register_entry WHERE register_id = 'register-1'")
    size = int(cursor.fetchone()[0])
    starts = [
        f"bench-{register.rpartition('-')[2]}-{chance.randint(0, size - 100):06}"
        for register, _ in asked
    ]
    from ckanext.govopen.logic.paging import page

    cursors = [
        page([{"c": start}, {"c": ""}], 1, lambda row: (row["c"],), dict)["next_cursor"]
        for start in starts
    ]
    lists = [
        call(app, "govopen_register_entry_list", id=register, as_of=day.isoformat(), limit=100,
             cursor=cursor)
        for (register, day), cursor in zip(asked, cursors, strict=True)
    ]  # fmt: skip
    scans = [
        scan(cursor, PAGE_SCAN, register, day, start)
        for (register, day), start in zip(asked, starts, strict=True)
    ]
    agree(lists[0], scans[0])
    return measure.side_by_side(
        "100 entries of a list as of a day", PAGE_BAR_MS, lists,
        "the same rows out of the versions", scans,
    )  # fmt: skip


def agree(ours: Act, peer: Act) -> None:
    """Both sides give the same entries before a time counts."""
    shown: Any = ours()
    found: Any = peer()
    if [item["entry_code"] for item in shown["items"]] != [code for code, _ in found]:
        raise RuntimeError(f"{len(shown['items'])} entries against {len(found)}")


def a_year(app: Any, cursor: Any, asked: list[tuple[str, date]]) -> dict[str, Any]:
    """What a list says otherwise a year later."""
    pairs = [(register, min(day, LAST - timedelta(days=366))) for register, day in asked]
    diffs = [
        call(app, "govopen_register_diff", id=register,
             **{"from": day.isoformat(), "to": (day + timedelta(days=365)).isoformat()})
        for register, day in pairs
    ]  # fmt: skip
    rows = (
        "SELECT count(DISTINCT entry_code) FROM govopen_register_version_entry"
        " WHERE register_id = %s AND effective_on > %s AND effective_on <= %s"
    )
    scans = [
        scan(cursor, rows, register, day, day + timedelta(days=365)) for register, day in pairs
    ]
    shown: Any = diffs[0]()
    ((expected,),) = scans[0]()  # type: ignore[misc]
    if len(shown["changed"]) != expected:
        raise RuntimeError(f"{len(shown['changed'])} changed entries against {expected}")
    return measure.side_by_side(
        "the differences of two days a year apart", DIFF_BAR_MS, diffs,
        "counting the entries that changed", scans,
    )  # fmt: skip


def a_publishing(keeper: Any) -> dict[str, Any]:
    """The decision that makes an adjustment of 5,000 entries public, whole."""
    from lists_kit import begin, change, edit, hand_in

    draft = begin(keeper)
    changes = (
        change("add", f"new-{number:06}", _power(keeper, number))
        for number in range(ROWS_OF_AN_ADJUSTMENT)
    )
    case_id = hand_in(keeper, edit(keeper, draft, *changes))["case_id"]
    spent = measure.milliseconds(lambda: keeper.approve(case_id))
    return {
        "what": f"publishing an adjustment of {ROWS_OF_AN_ADJUSTMENT} rows",
        "unit": "ms",
        **measure.summary([spent]),
        "bar": PUBLISH_BAR_MS,
        "within_bar": spent <= PUBLISH_BAR_MS,
    }


def _power(keeper: Any, number: int) -> dict[str, Any]:
    from lists_kit import power

    return dict(power(keeper, f"新增许可第{number}项"))


def the_proof(app: Any, cursor: Any) -> Iterator[dict[str, Any]]:
    """Every stored byte of every list hashed again; then that, with what the lists show compared."""
    cursor.execute("SELECT count(*) FROM govopen_register_log")
    rows = int(cursor.fetchone()[0])
    lists = [f"register-{number}" for number in range(1, LISTS + 1)]

    def prove_bytes() -> None:
        import ckan.model as model

        from ckanext.govopen.model.registers import first_broken

        with app.test_request_context("/"):
            for one in lists:
                if first_broken(model.Session, one) is not None:
                    raise RuntimeError(f"the bytes of {one} are not those that were recorded")
            model.Session.remove()

    def prove() -> None:
        for one in lists:
            shown: Any = call(app, "govopen_register_verify", id=one)()
            if not shown["holds"]:
                raise RuntimeError(f"{one} is broken at {shown['first_broken']}")

    speeds = [rows / measure.milliseconds(prove_bytes) * 1000 for _ in range(3)]
    found = measure.summary(speeds)
    yield {
        "what": "stored entries whose bytes are verified",
        "unit": "entries/s",
        **found,
        "bar": VERIFY_BAR,
        "within_bar": found["median"] >= VERIFY_BAR,
    }
    speeds = [rows / measure.milliseconds(prove) * 1000 for _ in range(3)]
    yield {
        "what": "the same, with what each list shows compared",
        "unit": "entries/s",
        **measure.summary(speeds),
    }


def growth(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """How much longer a page and a comparison take on the largest lists than on the smallest."""
    sizes = sorted({figure["rows"] for figure in found})
    if len(sizes) < 2:
        return []
    grown = []
    for what in dict.fromkeys(figure["what"] for figure in found if figure["unit"] == "ms"):
        medians = {one["rows"]: one["median"] for one in found if one["what"] == what}
        ratio = medians[sizes[-1]] / medians[sizes[0]]
        grown.append({
            "what": f"growth of: {what}",
            "unit": f"times from {sizes[0]} to {sizes[-1]} entries",
            "median": round(ratio, 2),
            "bar": GROWTH_BAR,
            "within_bar": ratio <= GROWTH_BAR,
        })  # fmt: skip
    return grown
