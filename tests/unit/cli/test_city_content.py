"""What the fictional city holds, before it is loaded."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook

from ckanext.govopen.cli.city.content import CityPlan, plan, write_inventory_workbook
from ckanext.govopen.cli.city.inventory import item
from ckanext.govopen.cli.city.tables import FileSpec
from ckanext.govopen.cli.city.units import uscc
from ckanext.govopen.cli.city.wording import wording
from ckanext.govopen.domain import inventory as rules
from ckanext.govopen.domain.dataset_checks import FORBIDDEN, Data, File, Item, check
from ckanext.govopen.domain.scan_facts import Table
from ckanext.govopen.domain.units import is_uscc
from ckanext.govopen.logic.intake import read_table as read_sheet
from ckanext.govopen.logic.vocab import vocabularies

TODAY = date(2026, 11, 21)
GROUNDS = {
    "g14_secret",
    "g14_law",
    "g14_security",
    "g15_trade_secret",
    "g15_privacy",
    "g16_internal",
    "g16_process",
    "g16_enforcement",
}
CYCLES = {
    "realtime",
    "daily",
    "weekly",
    "tendays",
    "monthly",
    "quarterly",
    "halfyear",
    "yearly",
    "irregular",
    "static",
}


@pytest.fixture(scope="module")
def demo() -> CityPlan:
    return plan(1, "demo", TODAY)


@pytest.fixture(scope="module", params=["small", "demo"])
def city(request) -> CityPlan:
    return plan(1, request.param, TODAY)


def unit_names(city: CityPlan) -> list[str]:
    return [span.name for unit in city.units for span in unit.names]


class TestPlan:
    def test_equal_arguments_give_equal_plans(self):
        assert plan(5, "small", TODAY) == plan(5, "small", TODAY)

    def test_another_seed_gives_another_city(self):
        assert plan(5, "small", TODAY).resources != plan(6, "small", TODAY).resources

    def test_an_unknown_size_is_refused(self):
        with pytest.raises(ValueError, match="size must be one of small, demo, large"):
            plan(1, "huge", TODAY)

    def test_a_day_before_the_first_year_is_over_is_refused(self):
        with pytest.raises(ValueError, match="too early"):
            plan(1, "small", date(2016, 6, 1))

    def test_the_demo_city_is_large_enough(self, demo):
        active = [row for row in demo.resources if row.active_on(TODAY)]
        assert len([unit for unit in demo.units if unit.exists_on(TODAY)]) >= 120
        assert len(active) >= 6000
        assert len(demo.datasets) >= 400
        assert 150 <= len(demo.adjustments) <= 300

    def test_the_small_city_is_small(self):
        small = plan(1, "small", TODAY)
        assert 12 <= len(small.units) <= 18
        assert 200 <= len(small.resources) <= 320
        assert 20 <= len(small.datasets) <= 40

    def test_nothing_happens_after_today_or_before_2016(self, city):
        days = [event.date for event in city.timeline()]
        assert min(days) >= date(2016, 3, 1)
        assert max(days) <= TODAY

    @pytest.mark.parametrize(
        "today", [date(2016, 12, 31), date(2019, 10, 2), date(2024, 2, 29), date(2027, 1, 1)]
    )
    def test_a_city_of_any_day_ends_on_that_day(self, today):
        assert max(event.date for event in plan(3, "small", today).timeline()) <= today

    def test_a_dissolved_unit_publishes_no_edition(self, city):
        for event in city.timeline():
            if event.kind == "refresh":
                assert all(
                    city.unit[city.dataset[k].unit_key].exists_on(event.date) for k in event.keys
                )


class TestUnits:
    def test_all_kinds_are_there(self, city):
        assert {unit.kind for unit in city.units} == {
            "gov_organ",
            "public_institution",
            "authorized_org",
            "public_utility",
            "vertical",
            "party_organ",
            "mass_org",
        }

    def test_a_known_code_is_built_with_its_check_characters(self):
        assert uscc("11", "00100318") == "11990100001003182J"

    def test_every_code_has_a_valid_check_character_and_none_is_used_twice(self, demo):
        codes = [unit.uscc for unit in demo.units if unit.uscc]
        assert all(is_uscc(code) for code in codes)
        assert all(code[2:8] == "990100" for code in codes)
        assert len(set(codes)) == len(codes)

    def test_every_unit_has_a_code(self, demo):
        assert all(unit.code for unit in demo.units)
        assert 3 <= len([unit for unit in demo.units if unit.local_code]) <= 8

    def test_slugs_and_names_are_unique(self, demo):
        slugs = [unit.slug for unit in demo.units]
        assert all(re.fullmatch(r"[a-z0-9-]+", slug) for slug in slugs)
        assert len(set(slugs)) == len(slugs)
        assert len(set(unit_names(demo))) == len(unit_names(demo))

    def test_verticals_party_organs_and_mass_organisations_are_out_of_scope(self, demo):
        outside = {unit.kind for unit in demo.units if not unit.in_scope}
        assert outside == {"vertical", "party_organ", "mass_org"}

    def test_every_unit_has_a_published_officer_in_charge_and_an_information_officer(self, city):
        for unit in city.units:
            assert any(o.kind == "in_charge" and o.public for o in unit.officers)
        assert [one.unit_key for one in city.people] == [unit.key for unit in city.units]
        assert len({one.login for one in city.people}) == len(city.people)

    def test_declared_units_hold_no_inventory_and_their_declaration_is_in_force(self, city):
        declared = [unit for unit in city.units if unit.no_data_declared]
        assert declared
        for unit in declared:
            assert unit.no_data_declared.declared_on <= TODAY <= unit.no_data_declared.review_due
            assert not any(row.unit_key == unit.key for row in city.resources)


class TestReforms:
    def test_all_kinds_of_succession_happen(self, demo):
        assert {reform.kind for reform in demo.reforms} == {
            "rename",
            "merge_into",
            "split_from",
            "transfer_function",
            "abolish",
        }
        assert {2019, 2024} <= {reform.date.year for reform in demo.reforms}

    def test_a_merged_unit_ends_on_the_day_and_its_rows_move(self, demo):
        for reform in demo.reforms:
            if reform.kind in ("merge_into", "abolish"):
                assert demo.unit[reform.source].valid_to == reform.date
                assert reform.resources
                for key in reform.resources:
                    row = demo.resource[key]
                    assert row.unit_on(reform.date - timedelta(days=1)) == reform.source
                    assert row.unit_on(reform.date) == reform.target

    def test_a_transferred_function_takes_its_rows_along(self, demo):
        moved = [r for r in demo.reforms if r.kind == "transfer_function" and r.resources]
        assert {reform.object_name for reform in moved} >= {"优待抚恤", "公共停车场"}
        for reform in moved:
            names = {demo.resource[key].object_name for key in reform.resources}
            assert names == {reform.object_name}

    def test_a_renamed_unit_has_its_name_of_the_day(self, demo):
        data_office = demo.unit["sshujj"]
        assert data_office.name_at(date(2023, 1, 1)).name == "云泽市大数据管理局"
        assert data_office.name_at(date(2024, 1, 19)).name == data_office.name == "云泽市数据局"

    def test_every_row_and_dataset_of_today_belongs_to_a_unit_that_exists(self, city):
        for row in city.resources:
            assert city.unit[row.unit_on(TODAY)].exists_on(TODAY)
        for dataset in city.datasets:
            assert city.unit[dataset.unit_on(TODAY)].exists_on(TODAY)


class TestInventory:
    def test_every_code_is_in_its_vocabulary(self, demo):
        found = vocabularies()
        for row in demo.resources:
            assert row.share_type in found["share_type"]
            assert row.share_method is None or row.share_method in found["share_method"]
            assert row.format_category in found["format_category"]
            assert all(name in found["format"] for name in row.formats)
            assert row.domain in found["data_domain"]
            assert row.secrecy in found["secrecy"]
        assert all(one.licence in found["licence"] for one in demo.datasets)

    def test_names_are_unique_within_a_unit_after_all_reforms(self, city):
        names = Counter((row.unit_on(TODAY), row.name) for row in city.resources)
        assert [name for name, count in names.items() if count > 1] == []

    def test_codes_are_well_formed_and_unique(self, city):
        codes = [row.res_code for row in city.resources]
        assert all(re.fullmatch(r"[123]\d{5}\d*/\d+", code) for code in codes)
        assert len(set(codes)) == len(codes)

    def test_every_row_has_what_an_active_row_needs(self, city):
        for row in (city.resource_on(row.key, TODAY) for row in city.resources):
            assert 1 <= len(row.name) <= 128
            assert 20 <= len(row.abstract) <= 1000
            assert row.update_cycle in CYCLES
            assert row.items
            assert row.formats
            assert row.share_type == "1" or row.share_condition
            assert row.share_type == "3" or row.share_method
            assert row.format_category != "spreadsheet" or row.share_method == "platform_file"
            assert (row.open_type == "unconditional") == (row.sensitivity == "L1")
            assert row.open_type == "unconditional" or row.open_condition
            assert (row.planned_open_on is None) == (row.open_type == "withheld")

    def test_every_withheld_row_has_a_ground_and_names_it(self, city):
        current = [city.resource_on(row.key, TODAY) for row in city.resources]
        withheld = [row for row in current if row.open_type == "withheld"]
        assert withheld
        for row in withheld:
            assert row.withheld_ground in GROUNDS
            assert row.withheld_ground in row.open_condition
        assert all(row.withheld_ground is None for row in current if row.open_type != "withheld")

    def test_hidden_rows_are_withheld_and_have_a_ground(self, demo):
        hidden = [row for row in demo.resources if not row.catalog_visible]
        assert hidden
        assert all(row.hidden_ground == row.withheld_ground is not None for row in hidden)

    def test_about_an_eighth_of_the_rows_is_withheld(self, demo):
        active = [row for row in demo.resources if row.active_on(TODAY)]
        share = sum(row.open_type == "withheld" for row in active) / len(active)
        assert 0.10 <= share <= 0.15

    def test_every_item_of_the_wording_has_a_type(self):
        listed = set()
        for group in wording("aspects").values():
            for side in group["aspects"]:
                listed |= {name for name in side[4].split(",") if name != "+"}
        for lines in wording("objects").values():
            for line in lines.splitlines():
                extras = [part for part in line.split()[2:] if not part.startswith("@")]
                listed |= {name for part in extras for name in part.split(",")}
        found = [item(name) for name in listed]
        assert {one.data_type for one in found} <= set("CNYDTLMGBIF")
        assert all(one.length for one in found if one.data_type in "CN")


class TestAdjustments:
    def test_every_row_enters_by_exactly_one_batch_on_its_date(self, city):
        added = [(key, one.date) for one in city.adjustments for key in one.added]
        assert sorted(added) == sorted((row.key, row.registered_on) for row in city.resources)

    def test_a_unit_loads_first_and_once(self, city):
        seen: set[str] = set()
        for one in city.adjustments:
            assert ("load" in one.kinds) == (one.unit_key not in seen)
            seen.add(one.unit_key)

    def test_batches_come_in_order_and_follow_their_approval(self, city):
        dates = [one.date for one in city.adjustments]
        assert dates == sorted(dates)
        assert all(one.approved_on < one.date for one in city.adjustments)
        assert all(one.approved_on <= one.effective_on for one in city.adjustments)

    def test_late_batches_are_more_than_two_weeks_late_and_others_are_not(self, demo):
        late = [one for one in demo.adjustments if one.late]
        assert late
        assert all((one.date - one.approved_on).days > 28 for one in late)
        assert all(
            (one.date - one.approved_on).days <= 8 for one in demo.adjustments if not one.late
        )

    def test_changes_and_cancellations_touch_rows_the_unit_holds_on_that_day(self, demo):
        for one in demo.adjustments:
            for key in (*one.changed, *one.cancelled):
                row = demo.resource[key]
                assert row.registered_on < one.date
                assert row.unit_on(one.date) == one.unit_key
            assert all(demo.resource[key].cancelled_on == one.date for key in one.cancelled)

    def test_a_changed_row_differs_and_is_not_cancelled_before(self, demo):
        for one in demo.adjustments:
            for row in one.revised:
                assert row != demo.resource_on(row.key, one.date - timedelta(days=1))
                assert row == demo.resource_on(row.key, one.date)
                assert row.active_on(one.date)

    def test_the_unit_exists_on_the_day(self, city):
        assert all(city.unit[one.unit_key].exists_on(one.date) for one in city.adjustments)


class TestWorkbooks:
    def test_a_workbook_holds_every_added_and_changed_row_under_one_header(self, tmp_path):
        city = plan(1, "small", TODAY)
        one = next(a for a in city.adjustments if a.changed and a.file_name.endswith("xlsx"))
        count = write_inventory_workbook(city, one, tmp_path / one.file_name)
        rows = list(load_workbook(tmp_path / one.file_name).active.values)
        assert rows[2][3] == "信息资源名称"
        assert count == len(rows) - 3 == len(one.added) + len(one.changed)
        assert [row[1] for row in rows[3:]] == [
            city.resource[key].res_code for key in (*one.added, *one.changed)
        ]
        assert {row[4] for row in rows[3:]} == {city.unit[one.unit_key].name_at(one.date).name}

    def test_some_units_hand_in_gb18030_text(self, demo, tmp_path):
        one = next(a for a in demo.adjustments if a.file_name.endswith(".csv"))
        path = tmp_path / one.file_name
        write_inventory_workbook(demo, one, path)
        with pytest.raises(UnicodeDecodeError):
            path.read_text(encoding="utf-8")
        with path.open(encoding="gb18030", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["信息资源名称"] for row in rows] == [
            demo.resource[key].name for key in (*one.added, *one.changed)
        ]
        assert all(re.match(r"\w+:[A-Z]", row["信息项信息"]) for row in rows)

    @pytest.mark.parametrize("ending", ["xlsx", "csv"])
    def test_the_reader_understands_it_and_every_row_is_complete(self, demo, tmp_path, ending):
        one = next(a for a in demo.adjustments if a.changed and a.file_name.endswith(ending))
        count = write_inventory_workbook(demo, one, tmp_path / one.file_name)
        rows = list(read_sheet(tmp_path / one.file_name).rows)
        assert len(rows) == count
        for row in rows:
            reading = rules.read_fields(row.values, vocabularies())
            plan_row = demo.resource_on(demo_key(demo, row.values["res_code"]), one.date)
            assert [*row.findings, *reading.findings] == []
            assert rules.activation_findings(reading.fields) == []
            assert rules.storing_findings(reading.fields, row.values) == []
            for name in ("name", "abstract", "share_type", "open_type", "update_cycle"):
                assert reading.fields[name] == getattr(plan_row, name)
            assert [
                (item["name_zh"], item.get("sensitive", "none"), item.get("open_type"))
                for item in reading.fields["items"]
            ] == [
                (item.name_zh, item.sensitive, item.open_type if item.sensitive != "none" else None)
                for item in plan_row.items
            ]

    def test_equal_adjustments_give_equal_bytes(self, demo, tmp_path):
        one = next(a for a in demo.adjustments if a.file_name.endswith(".xlsx"))
        sums = set()
        for number in range(2):
            path = tmp_path / f"{number}.xlsx"
            write_inventory_workbook(demo, one, path)
            sums.add(hashlib.sha256(path.read_bytes()).hexdigest())
        assert len(sums) == 1


class TestDatasets:
    def test_every_dataset_is_described(self, city):
        for dataset in city.datasets:
            assert len(dataset.abstract) >= 30
            assert 3 <= len(dataset.tags) <= 10
            assert all(re.fullmatch(r"[\w\- .]{2,100}", tag) for tag in dataset.tags)
            assert re.fullmatch(r"0990-8\d{6}", dataset.contact_phone)
            assert dataset.open_type in ("unconditional", "conditional")
            assert dataset.temporal_start < dataset.temporal_end < dataset.published_on

    def test_titles_are_unique_within_a_unit_after_all_reforms(self, city):
        titles = Counter((one.unit_on(TODAY), one.title) for one in city.datasets)
        assert [title for title, count in titles.items() if count > 1] == []

    def test_it_opens_registered_rows_of_its_own_unit_and_open_type(self, city):
        for dataset in city.datasets:
            assert 1 <= len(dataset.resource_keys) <= 12
            for key in dataset.resource_keys:
                row = city.resource_on(key, dataset.published_on)
                assert row.open_type == dataset.open_type
                assert city.resource_on(key, TODAY).open_type != "withheld"
                assert row.registered_on < dataset.published_on
                assert row.unit_on(dataset.published_on) == dataset.unit_key
                assert row.cancelled_on is None

    def test_no_row_is_opened_by_two_datasets(self, city):
        keys = [key for dataset in city.datasets for key in dataset.resource_keys]
        assert len(set(keys)) == len(keys)

    def test_refreshes_and_withdrawals_follow_the_publication(self, demo):
        for dataset in demo.datasets:
            days = [dataset.published_on, *(one.date for one in dataset.refreshes)]
            assert days == sorted(set(days))
            if dataset.withdrawal:
                assert dataset.withdrawal.date > days[-1]
                assert dataset.withdrawal.reason
        assert 3 <= sum(dataset.withdrawal is not None for dataset in demo.datasets) <= 15

    def test_a_few_datasets_wait_for_their_review(self, demo):
        assert 4 <= len(demo.waiting) <= 12
        assert not {one.key for one in demo.waiting} & set(demo.dataset)
        for one in demo.waiting:
            assert TODAY - timedelta(days=10) <= one.published_on <= TODAY
            assert demo.unit[one.unit_key].exists_on(one.published_on)

    def test_reviewers_return_some_cases_with_an_opinion(self, demo):
        opinions = [one.returned_because for one in demo.publish_batches]
        assert 3 <= len([one for one in opinions if one]) <= len(opinions) / 8

    def test_the_unit_exists_when_it_publishes(self, city):
        assert all(city.unit[d.unit_key].exists_on(d.published_on) for d in city.datasets)

    def test_files_follow_the_items_and_hold_no_personal_column(self, demo):
        for dataset in demo.datasets:
            declared = {
                item.name_zh: item.sensitive
                for key in dataset.resource_keys
                for item in demo.resource_on(key, TODAY).items
            }
            assert dataset.files
            for file in dataset.files:
                assert 20 <= file.row_count <= 320
                assert all(declared[name] == "none" for name in file.header)

    def test_the_checks_of_the_data_tell_of_old_encodings_alone(self, demo):
        told = Counter()
        for dataset in (*demo.datasets, *demo.waiting):
            rows = [demo.resource_on(key, TODAY) for key in dataset.resource_keys]
            marked = [Item((one.name_zh,), one.sensitive) for row in rows for one in row.items]
            marked = tuple(one for one in marked if one.sensitive in FORBIDDEN)
            for files in (dataset.files, *(one.files for one in dataset.refreshes)):
                data = Data(dataset.title, dataset.licence, (), marked, tuple(map(as_file, files)))
                told.update(one.code for one in check(data, TODAY))
        assert set(told) == {"inventory.W6"}


def as_file(spec: FileSpec) -> File:
    table = Table(None, tuple(spec.header), spec.row_count)
    return File(spec.name, spec.title, spec.name, (table,), spec.row_count, spec.encoding)


class TestFiles:
    def test_a_file_of_each_kind_reads_back_in_its_encoding(self, demo, tmp_path):
        kinds = {(f.format, f.encoding): f for d in demo.datasets for f in d.files}
        assert set(kinds) == {
            ("csv", "utf-8"),
            ("csv", "gb18030"),
            ("xlsx", None),
            ("json", "utf-8"),
        }
        for file in kinds.values():
            path = tmp_path / file.name
            file.write(path)
            rows = read_table(path, file.format, file.encoding)
            assert rows[0] == file.header
            assert len(rows) == file.row_count + 1
            assert all(cell not in ("", None) for row in rows for cell in row)

    def test_equal_files_have_equal_bytes(self, demo, tmp_path):
        for kind in ("csv", "xlsx", "json"):
            file = next(f for d in demo.datasets for f in d.files if f.format == kind)
            file.write(tmp_path / "a")
            file.write(tmp_path / "b")
            assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_no_row_looks_like_a_personal_number_or_lies_in_the_future(self, demo):
        personal = re.compile(r"(?<![0-9A-Za-z])(?:[1-9]\d{16}[0-9Xx]|1[3-9]\d{9})(?![0-9A-Za-z])")
        for dataset in demo.datasets[::9]:
            for file in dataset.files:
                for row in file.rows():
                    assert not personal.search(" ".join(map(str, row)))
                    dates = [
                        value
                        for name, value in zip(file.header, row, strict=True)
                        if name.endswith("日期")
                    ]
                    assert all(value <= TODAY.isoformat() for value in dates)

    def test_single_things_have_names_of_their_own(self, demo):
        file = next(f for d in demo.datasets for f in d.files if "名称" in f.header)
        at = file.header.index("名称")
        found = [row[at] for row in file.rows()]
        assert len(set(found)) == len(found)


class TestExpected:
    def test_the_city_ends_near_and_below_both_targets(self, demo):
        expected = demo.expected(TODAY)
        assert 88 <= expected.open_unit_rate.percent < 90
        assert 55 <= expected.data_open_rate.percent < 60

    def test_both_rates_climb_over_the_years(self, demo):
        days = [date(year, 12, 31) for year in (2016, 2018, 2020, 2022, 2024)] + [TODAY]
        found = [demo.expected(day) for day in days]
        for name in ("open_unit_rate", "data_open_rate"):
            values = [getattr(one, name).percent for one in found]
            assert values == sorted(values)
            assert values[0] < 20

    def test_some_units_hold_only_withheld_rows_and_some_have_published_nothing(self, demo):
        live = {d.unit_on(TODAY) for d in demo.datasets if d.counts_on(TODAY)}
        closed = {u.key for u in demo.units if u.in_scope and u.exists_on(TODAY)} - live
        openings: dict[str, set[str]] = {key: set() for key in closed}
        for row in demo.resources:
            if row.unit_on(TODAY) in closed:
                openings[row.unit_on(TODAY)].add(demo.resource_on(row.key, TODAY).open_type)
        assert {"withheld"} in openings.values()
        assert any("unconditional" in found for found in openings.values())
        assert set() in openings.values()


def demo_key(city, res_code):
    return next(row.key for row in city.resources if row.res_code == res_code)


def read_table(path, kind, encoding):
    if kind == "xlsx":
        return [list(row) for row in load_workbook(path).active.values]
    if kind == "json":
        records = json.loads(path.read_text(encoding=encoding))
        return [list(records[0]), *(list(record.values()) for record in records)]
    with path.open(encoding=encoding, newline="") as stream:
        return list(csv.reader(stream))
