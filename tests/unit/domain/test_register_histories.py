"""Lists at any date equal what a clerk's replay of every row says, for random histories."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from oracles import register_history as clerk
from oracles.register_histories import BEIJING, DAY, days_of, histories, moments_of

import ckanext.govopen.domain.registers as product
from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.notices import term
from ckanext.govopen.domain.registers import EntryVersion, changed_fields, entries_at

D = date.fromisoformat
SOURCE = Path(product.__file__).read_text(encoding="utf-8")
TABLE = (Path(product.__file__).parents[1] / "data/calendar/CN.json").read_text(encoding="utf-8")
# Any example will do, the smallest need not be found.
ANY = settings(phases=[Phase.generate], max_examples=400, database=None)
CALENDAR = WorkCalendar.from_tables(json.loads(TABLE))

MUTATIONS = {
    "the later number wins, whatever its day": (
        "(best.effective_on, best.number) <= (\n            version.effective_on,\n            version.number,\n        )",
        "best.number <= version.number",
    ),
    "the first of a day stays": (
        "(best.effective_on, best.number) <= (\n            version.effective_on,\n            version.number,\n        )",
        "best.effective_on < version.effective_on",
    ),
    "a day begins a day late": ("if version.effective_on > as_of or", "if version.effective_on >= as_of or"),
    "known a moment late": ("version.published_at > known_at", "version.published_at >= known_at"),
    "what ended is listed": ("if version.status in IN_FORCE}", "}"),
    "what is suspended is not": ('IN_FORCE = frozenset({"in_force", "suspended"})', 'IN_FORCE = frozenset({"in_force"})'),
}  # fmt: skip


def versions_of(history: list[dict]) -> list[EntryVersion]:
    return [
        EntryVersion(
            row["entry"],
            version["number"],
            clerk.effective_on(history, version, row),
            version["published_at"],
            row["fields"],
            row["status"],
        )
        for version in history
        for row in version["rows"]
    ]


def told(entries: dict[str, EntryVersion]) -> dict[str, tuple]:
    return {
        code: (one.number, one.effective_on, one.status, one.content)
        for code, one in entries.items()
    }


def replayed(history: list[dict], day: date, known_at: datetime | None) -> dict[str, tuple]:
    return {
        code: (one["number"], one["effective_on"], one["status"], one["fields"])
        for code, one in clerk.the_list(history, day, known_at).items()
    }


class TestAnyDate:
    @given(histories())
    def test_every_day_as_known_at_every_moment(self, history: list[dict]) -> None:
        versions = versions_of(history)
        for known_at in moments_of(history):
            for day in days_of(history):
                product = told(entries_at(versions, day, known_at))
                assert product == replayed(history, day, known_at), (day, known_at)

    @given(histories(), st.data())
    def test_the_difference_of_two_days_is_that_of_both_lists(
        self, history: list[dict], data: st.DataObject
    ) -> None:
        days, versions = days_of(history), versions_of(history)
        first, second = data.draw(st.sampled_from(days)), data.draw(st.sampled_from(days))
        known_at = data.draw(st.sampled_from(moments_of(history)))
        added, removed, changed = clerk.difference(history, first, second, known_at)
        old, new = entries_at(versions, first, known_at), entries_at(versions, second, known_at)
        assert added == sorted(new.keys() - old.keys())
        assert removed == sorted(old.keys() - new.keys())
        for code in old.keys() & new.keys():
            moved = changed_fields(old[code].content, new[code].content)
            assert set(moved) == set(changed.get(code, ()))

    @given(histories())
    def test_a_late_publication_is_flagged_on_the_exact_day(self, history: list[dict]) -> None:
        late = clerk.late_publications(history, BEIJING)
        for version in history:
            published_on = version["published_at"].astimezone(BEIJING).date()
            found = term(
                CALENDAR,
                10,
                approved_on=version["approved_on"],
                effective_on=version["effective_on"],
                published_on=published_on,
                today=published_on,
            )
            days = (published_on - found.due_on).days if found.is_late else None
            assert late.get(version["number"]) == days

    @pytest.mark.parametrize("name", MUTATIONS)
    def test_a_planted_error_is_noticed(self, name: str) -> None:
        old, new = MUTATIONS[name]
        assert SOURCE.count(old) == 1, "hit exactly one place"
        mutant: Any = ModuleType(product.__name__)
        exec(compile(SOURCE.replace(old, new), "mutant", "exec"), mutant.__dict__)  # noqa: S102
        find(histories(), lambda history: is_mistaken(mutant.entries_at, history), settings=ANY)


def is_mistaken(entries_at: Any, history: list[dict]) -> bool:
    """Say whether any day of a history is listed otherwise than by the clerk."""
    versions = versions_of(history)
    return any(
        told(entries_at(versions, day, known_at)) != replayed(history, day, known_at)
        for known_at in moments_of(history)
        for day in days_of(history)
    )


class TestTheClerk:
    """By hand: a cancellation, a mended name, one that came late."""

    HISTORY = (
        {
            "number": 1, "effective_on": D("2026-03-02"), "approved_on": D("2026-02-13"),
            "published_at": datetime(2026, 3, 5, 9, tzinfo=BEIJING),
            "rows": [
                {"entry": "Q1", "kind": "add", "status": "in_force", "fields": {"name": "许可"}, "corrects": None},
                {"entry": "Q2", "kind": "add", "status": "in_force", "fields": {"name": "检查"}, "corrects": None},
            ],
        },
        {
            "number": 2, "effective_on": D("2026-04-01"), "approved_on": D("2026-03-30"),
            "published_at": datetime(2026, 4, 10, 9, tzinfo=BEIJING),
            "rows": [
                {"entry": "Q2", "kind": "cancel", "status": "cancelled", "fields": {"name": "检查"}, "corrects": None},
            ],
        },
        {
            "number": 3, "effective_on": D("2026-05-01"), "approved_on": D("2026-04-30"),
            "published_at": datetime(2026, 5, 18, 0, 0, 1, tzinfo=BEIJING),
            "rows": [
                {"entry": "Q1", "kind": "correct", "status": "in_force", "fields": {"name": "行政许可"}, "corrects": 1},
            ],
        },
    )  # fmt: skip

    def names(self, day: str, known: datetime | None = None) -> dict[str, object]:
        listed = clerk.the_list(list(self.HISTORY), D(day), known)
        return {code: one["fields"]["name"] for code, one in listed.items()}

    def test_a_list_has_its_days(self) -> None:
        assert self.names("2026-03-01") == {}
        assert self.names("2026-03-31") == {"Q1": "行政许可", "Q2": "检查"}
        assert self.names("2026-04-01") == {"Q1": "行政许可"}

    def test_what_was_recorded_stays_so(self) -> None:
        before = datetime(2026, 4, 9, tzinfo=BEIJING)
        assert self.names("2026-04-05", before) == {"Q1": "许可", "Q2": "检查"}
        assert self.names("2026-04-05") == {"Q1": "行政许可"}

    def test_a_notice_lists_corrections_apart(self) -> None:
        second = clerk.notice(list(self.HISTORY), 2)
        assert second["counts"] == {"cancel": 1}
        assert second["rows"] == [
            {"entry": "Q2", "kind": "cancel", "before": {"name": "检查"}, "after": None}
        ]
        third = clerk.notice(list(self.HISTORY), 3)
        assert (third["counts"], third["rows"]) == ({}, [])
        assert third["corrections"][0]["before"] == {"name": "许可"}

    def test_a_publication_is_late_on_the_exact_day(self) -> None:
        """2026-04-30 +10: 1 to 5 May off, Saturday the 9th worked, so that 18 May is the tenth."""
        history = list(self.HISTORY)
        assert clerk.due_on(history[2]) == D("2026-05-18")
        assert clerk.late_publications(history, BEIJING) == {}
        history[2] = {**history[2], "published_at": datetime(2026, 5, 19, tzinfo=BEIJING)}
        assert clerk.late_publications(history, BEIJING) == {3: 1}

    @given(histories())
    def test_a_notice_is_the_difference_that_its_version_makes(self, history: list[dict]) -> None:
        """On the first day of a version: the list as known before it and as known with it."""
        for version in history:
            number, day = version["number"], version["effective_on"]
            before = clerk.the_list(history[: number - 1], day)
            after = clerk.the_list(history[:number], day)
            told = {each["entry"]: each for each in clerk.notice(history, number)["rows"]}
            for code in before.keys() | after.keys():
                if before.get(code) != after.get(code) and code in told:
                    assert told[code]["before"] == (
                        before[code]["fields"] if code in before else None
                    )
                    assert told[code]["after"] == (after[code]["fields"] if code in after else None)
            touched = {row["entry"] for row in version["rows"]}
            assert {
                c for c in before.keys() | after.keys() if before.get(c) != after.get(c)
            } <= touched
            assert clerk.the_list(history[:number], day - 400 * DAY) == {}
