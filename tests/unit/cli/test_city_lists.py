"""What the lists of the fictional city say over the years, before anything is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import pytest

from ckanext.govopen.cli.city.content import CityPlan, plan
from ckanext.govopen.cli.city.list_items import SOURCES
from ckanext.govopen.cli.city.list_ledger import ListAdjustment, ListChange, ListPart
from ckanext.govopen.domain import register_checks
from ckanext.govopen.domain.adjustments import KINDS, NEW, Change, Present, rows
from ckanext.govopen.domain.adjustments import Target as Goes
from ckanext.govopen.domain.calendar import WorkCalendar
from ckanext.govopen.domain.register_types import (
    check_code,
    check_fields,
    missing_fields,
    tidy_fields,
)
from ckanext.govopen.domain.registers import IN_FORCE
from ckanext.govopen.logic.calendar import work_calendar
from ckanext.govopen.logic.register_types import register_type, register_types
from ckanext.govopen.logic.vocab import vocabularies

TODAY = date(2026, 11, 30)
WITH_CONTENT = {"add", "undertake", "change", "merge", "entrust", "retrieve", "correct"}


@pytest.fixture(scope="module")
def demo() -> CityPlan:
    return plan(1, "demo", TODAY)


@pytest.fixture(scope="module")
def small() -> CityPlan:
    return plan(1, "small", TODAY)


@pytest.fixture(scope="module", params=["small", "demo"])
def city(request) -> CityPlan:
    found: CityPlan = request.getfixturevalue(request.param)
    return found


def parts_of(city: CityPlan) -> Iterator[tuple[ListAdjustment, ListPart]]:
    for one in city.lists.adjustments:
        for part in one.parts:
            yield one, part


def contents(part: ListPart, change: ListChange) -> Iterator[tuple[str, str, dict]]:
    """Type, code and content of every entry that a change leaves with a content of its own."""
    if change.kind == "convert":
        yield change.extra["new_type"], change.extra["new_code"], change.fields
    elif change.kind in (*WITH_CONTENT, "transfer"):
        yield part.register_type, change.entry_code, change.fields
    for each in change.extra.get("parts", ()):
        yield part.register_type, each["entry_code"], each["fields"]


class TestLists:
    def test_the_demo_city_has_about_five_thousand_powers(self, demo):
        assert 4800 <= len(list(demo.lists.last.all_live("power_list"))) <= 5600

    def test_the_small_city_has_a_few_dozen_powers(self, small):
        assert 40 <= len(list(small.lists.last.all_live("power_list"))) <= 120

    def test_every_type_of_register_has_entries(self, city):
        held = {code: list(city.lists.last.all_live(code)) for code in register_types()}
        assert [code for code, found in held.items() if not found] == []

    def test_every_kind_of_adjustment_happens(self, demo):
        done = {change.kind for _, part in parts_of(demo) for change in part.changes}
        assert done == set(KINDS)

    def test_contents_can_be_stored_and_handed_in(self, city):
        refused = Counter()
        for _, part in parts_of(city):
            for change in part.changes:
                for code, entry_code, fields in contents(part, change):
                    kind = register_type(code)
                    tidy = tidy_fields(kind, fields)
                    found = check_fields(kind, tidy, vocabularies()) + missing_fields(kind, tidy)
                    found += check_code(kind, entry_code)
                    refused.update((code, one.code, one.field) for one in found if one.is_refusal)
                    assert tidy == fields, (code, entry_code)
        assert not refused

    def test_a_code_is_given_once_in_a_type(self, city):
        given = Counter(
            (code, entry_code)
            for _, part in parts_of(city)
            for change in part.changes
            if NEW in KINDS[change.kind].wants or change.kind in ("convert", "split")
            for code, entry_code, _ in contents(part, change)
            if change.kind != "merge"
        )
        assert [place for place, times in given.items() if times > 1] == []

    def test_links_lead_to_powers_that_are_listed(self, city):
        powers = {one.entry.code for one in city.lists.last.all_live("power_list")}
        known = powers | {
            code for unit in city.units for code in city.lists.last.held(unit.key, "power_list")
        }
        for register_type_ in ("responsibility_list", "inspection_list", "discretion_baseline"):
            for one in city.lists.last.all_live(register_type_):
                assert one.fields["power_ref"] in known

    def test_names_are_told_apart_within_a_list(self, city):
        for unit in city.units:
            names = Counter(
                (one.fields["power_type"], one.fields["name"], one.fields["exercising_body"])
                for one in city.lists.last.live(unit.key, "power_list")
            )
            assert [name for name, times in names.items() if times > 1] == []

    def test_equal_arguments_give_equal_lists(self):
        assert plan(5, "small", TODAY).lists == plan(5, "small", TODAY).lists
        assert plan(5, "small", TODAY).lists != plan(6, "small", TODAY).lists

    def test_nothing_happens_after_the_last_day(self):
        city = plan(1, "small", date(2020, 3, 2))
        assert all(one.date < date(2020, 3, 2) for one in city.lists.adjustments)


class _Book:
    """The lists again, by the product's own rules of adjustments instead of the plan's ledger."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], dict[str, Present]] = {}
        self.numbers: Counter[tuple[str, str]] = Counter()
        self.seq = 0

    def publish(self, one: ListAdjustment, part: ListPart) -> list[str]:
        place = (part.unit_key, part.register_type)
        held = self.entries.setdefault(place, {})
        changes = [
            Change(each.entry_code, each.kind, each.fields, each.extra, self._seq(held, each))
            for each in part.changes
        ]
        world = register_checks.World(
            present=held,
            unit=part.unit_key,
            register_type=part.register_type,
            units={
                unit: register_checks.Receiver(unit, date(1949, 10, 1))
                for unit in self._receivers(changes)
            },
            types=set(register_types()),
            versions={(code, entry.number) for code, entry in held.items()},
            taken={
                code
                for (_, its_type), entries in self.entries.items()
                if its_type == part.register_type
                for code in entries
                if code not in held
            },
            parents={code for code, entry in held.items() if entry.status in IN_FORCE},
            children=self._children(held),
            same=self._same(held, changes),
        )
        facts = register_checks.Facts(
            one.basis, one.reason, one.effective_on, one.approved_on, one.requested_on
        )
        found = register_checks.check(register_type(part.register_type), facts, changes, world)
        self._write(one, place, [each for each in changes if each.kind != "correct"])
        for change in (each for each in changes if each.kind == "correct"):
            before = held[change.entry_code]
            assert before.number == change.corrects
            after = replace(before, fields=change.fields, number=self.numbers[place])
            held[change.entry_code] = after
        return [f"{one.key} {part.register_type} {each}" for each in found if each.is_refusal]

    def _receivers(self, changes: Sequence[Change]) -> set[str]:
        """Units that there are, and those to which something is transferred."""
        named = {str(each.extra["to_unit"]) for each in changes if "to_unit" in each.extra}
        return {unit for unit, _ in self.entries} | named

    @staticmethod
    def _children(held: dict[str, Present]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for code, entry in held.items():
            if entry.status in IN_FORCE and entry.fields.get("parent_code"):
                found.setdefault(str(entry.fields["parent_code"]), []).append(code)
        return found

    @staticmethod
    def _same(held: dict[str, Present], changes: list[Change]) -> dict[str, dict]:
        given = [each.fields for each in changes]
        given += [fields for each in changes for _, fields in each.parts]
        names = {fields["name"] for fields in given if fields}
        return {
            code: dict(entry.fields)
            for code, entry in held.items()
            if entry.status in IN_FORCE and entry.fields["name"] in names
        }

    @staticmethod
    def _seq(held: dict[str, Present], change: ListChange) -> int | None:
        known = held.get(change.entry_code)
        return known.seq if known else None

    def _write(self, one: ListAdjustment, place: tuple[str, str], changes: list[Change]) -> None:
        self.numbers[place] += 1
        moved = set()
        for row in rows(changes, self.entries[place], one.effective_on, {}, Goes(*place)):
            to = (row.target.unit or place[0], row.target.register_type or place[1])
            if to != place and to not in moved:
                self.numbers[to] += 1
                moved.add(to)
            self.seq += 1
            self.entries.setdefault(to, {})[row.entry_code] = Present(
                row.entry_code,
                row.status,
                row.fields,
                self.seq,
                self.numbers[to],
                row.effective_on,
                one.approved_on,
            )


def refused_of(city: CityPlan) -> list[str]:
    book, found = _Book(), []
    for one, part in parts_of(city):
        found += book.publish(one, part)
    return found


class TestAdjustments:
    def test_the_checks_of_the_product_refuse_none_of_them(self, city):
        assert refused_of(city) == []

    @pytest.mark.parametrize("seed", [2, 77])
    def test_nor_those_of_another_seed(self, seed):
        assert refused_of(plan(seed, "demo", TODAY)) == []

    def test_most_come_out_within_ten_working_days_and_the_late_ones_do_not(self, city):
        calendar: WorkCalendar = work_calendar()
        for one in city.lists.adjustments:
            due = calendar.due(one.approved_on, 10).due
            assert (one.date > due) is one.late, one.key
        late = sum(one.late for one in city.lists.adjustments)
        assert 0 < late < len(city.lists.adjustments) / 3

    def test_each_has_a_basis_a_reason_and_its_days_in_order(self, city):
        for one in city.lists.adjustments:
            assert one.basis
            assert one.basis_doc
            assert one.reason
            assert one.requested_on <= one.approved_on <= one.effective_on <= one.date

    def test_they_reach_from_2017_to_the_last_year(self, demo):
        years = {one.date.year for one in demo.lists.adjustments}
        assert years == set(range(2017, TODAY.year + 1))

    def test_a_merged_unit_leaves_nothing_in_force_behind(self, demo):
        gone = [each.source for each in demo.reforms if each.kind == "merge_into"]
        for unit_key in gone:
            assert list(demo.lists.last.live(unit_key, "power_list")) == []


class TestNegativeList:
    def test_it_covers_rows_that_are_withheld_and_that_no_dataset_opens(self, city):
        by_code = {row.res_code: row for row in city.resources}
        opened = {key for dataset in city.datasets for key in dataset.resource_keys}
        covered = [
            by_code[target["code"]]
            for one in city.lists.last.all_live("disclosure_negative_list")
            for target in one.fields["targets"]
        ]
        assert covered
        for row in covered:
            assert city.resource_on(row.key, TODAY).open_type == "withheld"
            assert row.key not in opened

    def test_each_adjustment_covers_what_its_unit_has_by_then(self, demo):
        by_code = {row.res_code: row for row in demo.resources}
        named = [
            (by_code[target["code"]], part.unit_key, one.date)
            for one in demo.lists.adjustments
            for part in one.parts
            if part.register_type == "disclosure_negative_list"
            for change in part.changes
            for target in change.fields.get("targets", ())
        ]
        assert named
        for row, unit_key, day in named:
            assert row.unit_key == unit_key
            assert row.registered_on < day


class TestGaps:
    def test_every_source_in_force_has_an_item_but_those_left_out(self, city):
        last = city.lists.last
        linked = {
            (each["type"], each["code"])
            for item in last.all_live("disclosure_standard")
            for each in item.fields["source_entry"]
        }
        with_items = {
            unit.key for unit in city.units if last.is_there(unit.key, "disclosure_standard")
        }
        lacking = {
            one.entry.code
            for unit_key in with_items
            for register_type_ in SOURCES
            for one in last.live(unit_key, register_type_)
            if (register_type_, one.entry.code) not in linked
        }
        assert lacking <= city.lists.underived
        assert lacking

    def test_some_lists_are_missing_in_the_demo_city(self, demo):
        assert 5 <= len(demo.lists.missing) <= 40
        for unit_key, register_type_ in demo.lists.missing:
            assert not list(demo.lists.last.live(unit_key, register_type_))

    def test_a_list_is_looked_through_in_years_without_an_adjustment(self, demo):
        changed = {(part.unit_key, one.date.year) for one, part in parts_of(demo)}
        assert demo.lists.looks
        for day, unit_key, _ in demo.lists.looks:
            assert (unit_key, day.year) not in changed
            assert day < TODAY
