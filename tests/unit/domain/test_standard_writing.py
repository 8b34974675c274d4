"""What makes items: a file against the catalogue, lists of powers, a package of another district."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import standard_package as packages
from ckanext.govopen.domain.register_types import check_fields, tidy_fields
from ckanext.govopen.domain.standard_derive import Body, SourceEntry, propose
from ckanext.govopen.domain.standard_import import counts, plan
from ckanext.govopen.domain.standard_rows import ItemRow
from ckanext.govopen.domain.standards import Facts, item_findings
from ckanext.govopen.logic.register_types import register_type
from ckanext.govopen.logic.vocab import vocabularies

PATTERNS = yaml.safe_load(
    (Path(__file__).parents[3] / "ckanext-govopen/ckanext/govopen/data/standards/derivation.yaml")
    .read_text(encoding="utf-8")
)  # fmt: skip
BODY = Body("云泽市交通运输局", "city")


def item_row(number: int, name: str, code: str | None = None, **fields: object) -> ItemRow:
    content = {"domain": "transport", "item_l1": "行政许可", "name": name, **fields}
    return ItemRow(number, content, (), {"name": f"C{number}"}, code)


PRESENT = {
    "transport-01-01": {
        "domain": "transport", "item_l1": "行政许可", "name": "道路占用许可", "time_limit": "20个工作日",
        "five_open": ["service"], "source_entry": [{"type": "power_list", "code": "p1"}],
    },
    "transport-01-02": {"domain": "transport", "item_l1": "行政许可", "name": "超限运输许可"},
}  # fmt: skip


class TestImport:
    def test_rows_are_told_apart_and_what_the_file_lacks_is_counted(self) -> None:
        found = plan(
            [
                item_row(4, "道路 占用许可", time_limit="7个工作日"),
                item_row(5, "客运经营许可"),
            ],
            PRESENT,
            set(PRESENT),
        )
        assert [(one.verdict, one.item_code) for one in found.verdicts] == [
            ("changed", "transport-01-01"),
            ("created", "transport-01-03"),
        ]
        assert found.missing == ("transport-01-02",)
        assert counts(found) == {
            "rows": 2, "accepted": 2, "created": 1, "changed": 1, "unchanged": 0, "rejected": 0,
            "incomplete": 2, "missing": 1,
        }  # fmt: skip

    def test_an_item_keeps_what_the_file_does_not_say(self) -> None:
        found = plan([item_row(4, "道路占用许可", time_limit="7个工作日")], PRESENT, set(PRESENT))
        fields = found.verdicts[0].fields
        assert fields is not None
        assert fields["source_entry"] == [{"type": "power_list", "code": "p1"}]
        assert (fields["time_limit"], fields["five_open"]) == ("7个工作日", ["service"])
        assert found.verdicts[0].changed == ("time_limit",)

    def test_the_same_file_again_changes_nothing(self) -> None:
        rows = [item_row(4, "道路占用许可", time_limit="20个工作日"), item_row(5, "超限运输许可")]
        found = plan(rows, PRESENT, set(PRESENT))
        assert {one.verdict for one in found.verdicts} == {"unchanged"}

    @pytest.mark.parametrize(
        ("rows", "used", "code"),
        [
            ([item_row(4, "甲", "transport-05-01"), item_row(5, "乙", "transport-05-01")], set(), "standards.E5"),
            ([item_row(4, "甲", "transport-09-09")], {"transport-09-09"}, "standards.E5"),
            ([item_row(4, "甲"), item_row(5, "甲 ", item_l1="行政检查")], set(), "standards.E10"),
        ],
    )  # fmt: skip
    def test_a_clash_rejects_its_row(self, rows: list[ItemRow], used: set[str], code: str) -> None:
        found = plan(rows, {}, used)
        assert [one.code for one in found.verdicts[-1].findings] == [code]
        assert found.verdicts[-1].verdict == "rejected"

    def test_a_body_that_has_ended_keeps_the_item_incomplete(self) -> None:
        facts = Facts(date(2026, 11, 2), {"旧局": (date(2010, 1, 1), date(2020, 1, 1))})
        found = plan([item_row(4, "甲", bodies=["旧局"])], {}, set(), (), facts)
        assert "standards.E7" in {one.code for one in found.verdicts[0].lacks}

    def test_a_new_code_is_never_one_that_the_file_gives_later(self) -> None:
        found = plan([item_row(4, "甲"), item_row(5, "乙", "transport-01-01")], {}, set())
        assert [one.item_code for one in found.verdicts] == ["transport-02-01", "transport-01-01"]


class TestDerivation:
    @pytest.mark.parametrize(
        "power_type",
        ["license", "penalty", "coercion", "levy", "payment", "inspection", "confirmation", "award",
         "ruling", "public_service", "other_power"],
    )  # fmt: skip
    def test_every_kind_of_power_becomes_a_complete_item(self, power_type: str) -> None:
        basis = [{"kind": "admin_regulation", "title": "城市道路管理条例", "article": "第三十一条"}]
        source = SourceEntry(
            "power_list",
            "YZ-01",
            {"name": "占道审批", "power_type": power_type, "legal_basis": basis},
        )
        (proposal,) = propose([source], set(), PATTERNS, BODY, "municipal_services")
        assert item_findings(proposal.fields) == []
        assert (
            check_fields(
                register_type("disclosure_standard"),
                tidy_fields(register_type("disclosure_standard"), proposal.fields),
                vocabularies(),
            )
            == []
        )
        assert proposal.fields["source_entry"] == [{"type": "power_list", "code": "YZ-01"}]

    @pytest.mark.parametrize("kind", ["responsibility_list", "public_service_list"])
    def test_other_lists_give_items_too(self, kind: str) -> None:
        source = SourceEntry(kind, "c-1", {"name": "公租房管理", "responsible_office": "住房科"})
        (proposal,) = propose([source], set(), PATTERNS, BODY, None)
        assert proposal.lacks_field
        assert proposal.fields["responsible_office"] == "住房科"

    def test_a_source_that_an_item_names_is_not_proposed_again(self) -> None:
        sources = [SourceEntry("power_list", code, {"name": code}) for code in ("a", "b")]
        found = propose(sources, {("power_list", "a")}, PATTERNS, BODY, None)
        assert [one.source_code for one in found] == ["b"]


PACKAGE = packages.Package(
    "标准目录", "云泽市新街镇人民政府", "2026-11-02", 3,
    (packages.Item("health-01-01", {"domain": "health", "name": "甲", "bodies": ["新街镇"], "five_open": ["result"]}),),
    {"tianjin-2017": "a" * 64, "linyi-2016": "b" * 64}, ("tianjin-2017.timely=7:WD",),
)  # fmt: skip


class TestPackage:
    def test_what_belongs_to_the_maker_stays_behind(self) -> None:
        read = packages.read(packages.write(PACKAGE))
        assert read.items[0].fields == {"domain": "health", "name": "甲", "five_open": ["result"]}
        assert (read.maker, read.version, read.packs) == (PACKAGE.maker, 3, PACKAGE.packs)

    def test_another_body_takes_over_the_same_items(self) -> None:
        read = packages.read(packages.write(PACKAGE))
        fields, held = packages.taken_over(read, "张铺镇", [], set())
        assert fields == {
            "health-01-01": {
                "domain": "health", "name": "甲", "five_open": ["result"],
                "bodies": ["张铺镇"], "bodies_raw": "张铺镇",
            }
        }  # fmt: skip
        assert held == []

    def test_a_code_that_another_body_of_the_region_has_is_named(self) -> None:
        fields, held = packages.taken_over(PACKAGE, "张铺镇", [], {"health-01-01"})
        assert (fields, held) == ({}, ["health-01-01"])

    def test_packs_are_the_same_differing_or_missing(self) -> None:
        found = packages.compare_rules(PACKAGE, {"tianjin-2017": "a" * 64, "x": "c"}, [])
        assert (found.same, found.differing, found.missing) == (
            ("tianjin-2017",),
            (),
            ("linyi-2016",),
        )
        assert found.settings == ("tianjin-2017.timely=7:WD",)

    @given(st.integers(0, 400), st.sampled_from("甲乙x0"))
    def test_a_changed_character_is_seen(self, at: int, character: str) -> None:
        text = packages.write(PACKAGE)
        content = json.loads(text)
        place = text.index('"items"') + at % (text.index('"made_on"') - text.index('"items"'))
        changed = text[:place] + character + text[place + 1 :]
        try:
            same = json.loads(changed)["items"] == content["items"]
        except (ValueError, KeyError):
            same = False
        if not same:
            with pytest.raises(packages.PackageError):
                packages.read(changed)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "other/1"}'])
    def test_what_is_no_package_is_refused(self, text: str) -> None:
        with pytest.raises(packages.PackageError) as refused:
            packages.read(text)
        assert refused.value.finding.code == "standards.E16"
