"""Random histories of a register: all kinds of adjustment, corrections of the past, late ones."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from hypothesis import strategies as st

from oracles.register_history import effective_on

BEIJING = timezone(timedelta(hours=8))
FIRST = date(2026, 3, 2)
DAY = timedelta(days=1)
CODES = [f"Q{n}" for n in range(1, 6)]
NAMES = ["核发许可证", "核发许可证(变更)", "行政检查", "行政检查 二"]
# What can become of an entry in a state, and the state it has then.
KINDS = {
    None: {"add": "in_force", "undertake": "in_force", "split": "in_force", "convert": "in_force"},
    "in_force": {
        "change": "in_force", "entrust": "in_force", "cancel": "cancelled", "delegate": "delegated",
        "merge": "merged", "split": "cancelled", "transfer": "transferred",
        "suspend": "suspended", "convert": "cancelled",
    },
    "suspended": {"resume": "in_force", "cancel": "cancelled", "change": "suspended"},
    "delegated": {"retrieve": "in_force"},
    "cancelled": {},
    "merged": {},
    "transferred": {},
}  # fmt: skip


@st.composite
def fields(draw: st.DrawFn) -> dict[str, object]:
    said: dict[str, object] = {"name": draw(st.sampled_from(NAMES))}
    if draw(st.booleans()):
        said["remarks"] = draw(st.sampled_from(["", "一", "二"]))
    if draw(st.booleans()):
        said["level"] = draw(st.integers(1, 3))
    return {name: value for name, value in said.items() if value != ""}


@st.composite
def a_row(draw: st.DrawFn, history: list[dict], entry: str) -> dict | None:
    """Something that can happen to an entry after all that has; a third of them mend the past."""
    before = [(v["number"], r) for v in history for r in v["rows"] if r["entry"] == entry]
    status = before[-1][1]["status"] if before else None
    if before and draw(st.integers(0, 2)) == 0:
        number, mended = draw(st.sampled_from(before))
        return {
            "entry": entry, "kind": "correct", "status": mended["status"],
            "fields": draw(fields()), "corrects": number,
        }  # fmt: skip
    kinds = KINDS[status]
    if not kinds:
        return None
    kind = draw(st.sampled_from(sorted(kinds)))
    return {
        "entry": entry, "kind": kind, "status": kinds[kind], "fields": draw(fields()),
        "corrects": None,
    }  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[dict]:
    """Versions published one after another; their days lie anywhere, before and after."""
    history: list[dict] = []
    published = datetime(2026, 3, 2, 0, 0, tzinfo=BEIJING)
    for _ in range(draw(st.integers(1, 7))):
        published += timedelta(
            days=draw(st.integers(0, 25)), seconds=draw(st.sampled_from([1, 40_000, 86_399]))
        )
        day = published.date()
        codes = draw(st.lists(st.sampled_from(CODES), min_size=1, max_size=4, unique=True))
        rows = [row for code in codes if (row := draw(a_row(history, code)))]
        if not rows:
            continue
        approved = day - draw(st.integers(0, 30)) * DAY
        history.append(
            {
                "number": len(history) + 1,
                "effective_on": day + draw(st.integers(-30, 30)) * DAY,
                "approved_on": draw(st.sampled_from([approved, approved, None])),
                "published_at": published,
                "rows": rows,
            }
        )
    return history


def days_of(history: list[dict]) -> list[date]:
    """Every day from before the first to after the last that a history speaks of."""
    edges = {effective_on(history, v, r) for v in history for r in v["rows"]}
    first, last = min(edges, default=FIRST), max(edges, default=FIRST)
    return [first + n * DAY for n in range(-1, (last - first).days + 2)]


def moments_of(history: list[dict]) -> list[datetime | None]:
    """Now, and just before and at each publishing."""
    at = [version["published_at"] for version in history]
    return [None, *at, *(moment - timedelta(seconds=1) for moment in at)]
