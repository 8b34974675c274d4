"""A template of a year, two catalogues side by side, the columns of a site."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.standard_columns import Column, audit
from ckanext.govopen.domain.standard_mapping import Entry, align, moved, propose


def entry(code: str, level_one: str, name: str, domain: str = "health", **fields: object) -> Entry:
    return Entry(code, {"domain": domain, "item_l1": level_one, "name": name, **fields})


OLD = [
    entry("health-01-01", "行政许可", "医疗机构设置审批"),
    entry("health-01-02", "行政许可", "公共场所卫生许可结果"),
    entry("health-02-01", "行政检查", "学校卫生监督检查"),
    entry("health-03-01", "宣传", "健康知识大赛"),
]
TEMPLATE = [
    entry("t-1", "许可管理", "公共场所卫生许可结果公开"),
    entry("t-2", "行政许可", "医疗机构 设置审批"),
    entry("t-3", "监督检查", "学校卫生监督检查结果"),
    entry("t-4", "疫苗接种", "疫苗接种点信息"),
    entry("t-5", "宣传", "健康知识大赛", domain="elderly_care"),
]


class TestTemplate:
    def test_each_old_item_is_listed_with_its_place(self) -> None:
        found = propose(OLD, TEMPLATE)
        assert [(pair.old, pair.new, pair.how) for pair in found.pairs] == [
            ("health-01-01", "t-2", "name"),
            ("health-01-02", "t-1", "like"),
            ("health-02-01", "t-3", "like"),
            ("health-03-01", None, "none"),
        ]
        assert found.homeless == ("health-03-01",)
        assert found.undecided == ("health-01-02", "health-02-01")
        assert found.new_only == ("t-4", "t-5")

    def test_what_a_person_decided_wins(self) -> None:
        found = propose(OLD, TEMPLATE, {"health-01-02": "t-4", "health-02-01": None})
        chosen = {pair.old: (pair.new, pair.how) for pair in found.pairs}
        assert chosen["health-01-02"] == ("t-4", "given")
        assert chosen["health-02-01"] == (None, "none")
        assert found.homeless == ("health-02-01", "health-03-01")

    def test_a_moved_item_keeps_what_is_its_own(self) -> None:
        old = entry(
            "health-01-01", "行政许可", "旧名", bodies=["云泽市卫生健康委"], time_limit="及时公开"
        )
        row = entry(
            "t-2", "许可管理", "新名", time_limit="信息形成或者变更之日起7个工作日内", channels=[]
        )
        assert moved(old, row) == {
            "domain": "health",
            "item_l1": "许可管理",
            "name": "新名",
            "bodies": ["云泽市卫生健康委"],
            "time_limit": "信息形成或者变更之日起7个工作日内",
            "template_code": "t-2",
        }

    @given(
        st.lists(
            st.tuples(st.sampled_from("甲乙丙"), st.text("一二三四五", min_size=1, max_size=3)),
            unique=True,
        ),
        st.integers(0, 9),
    )
    def test_no_row_is_taken_twice_and_none_is_lost(
        self, places: list[tuple[str, str]], cut: int
    ) -> None:
        entries = [entry(f"o-{number}", *place) for number, place in enumerate(places)]
        template = [entry(f"n-{number}", *place) for number, place in enumerate(places[cut:])]
        found = propose(entries, template)
        taken = [pair.new for pair in found.pairs if pair.new]
        assert len(found.pairs) == len(entries)
        assert len(taken) == len(set(taken))
        assert set(taken) | set(found.new_only) == {one.code for one in template}


class TestAlignment:
    def test_missing_extra_and_differing_rows_are_told_apart(self) -> None:
        department = [
            entry(
                "d-1",
                "行政许可",
                "医疗机构设置审批",
                time_limit="20个工作日",
                channels=["gov_website"],
            ),
            entry("d-2", "行政检查", "学校卫生监督检查", mode="active"),
            entry("d-3", "疫苗", "接种点"),
        ]
        district = [
            entry(
                "r-9",
                "行政许可",
                "医疗机构设置审批",
                time_limit="7个工作日",
                channels=["gov_website"],
            ),
            entry("r-2", "行政检查", "学校卫生监督检查", mode="active", bodies=["区卫健委"]),
            entry("r-3", "宣传", "健康知识大赛"),
        ]
        found = align(department, district)
        assert found.missing == ("d-3",)
        assert found.extra == ("r-3",)
        assert [(one.left, one.right, dict(one.fields)) for one in found.differing] == [
            ("d-1", "r-9", {"time_limit": ("20个工作日", "7个工作日")})
        ]
        assert found.equal == 1

    def test_a_catalogue_is_aligned_with_itself(self) -> None:
        found = align(OLD, OLD)
        assert (found.missing, found.extra, found.differing, found.equal) == ((), (), (), len(OLD))


class TestColumns:
    @pytest.mark.parametrize(
        ("changes", "counts"),
        [
            ({}, (0, 0, 0, 0)),
            ({"domain": "taxation"}, (1, 0, 0, 0)),
            ({"last_update": None}, (0, 1, 0, 0)),
            ({"last_update": date(2025, 1, 1)}, (0, 0, 0, 1)),
        ],
    )
    def test_each_fault_is_counted_once(
        self, changes: dict[str, object], counts: tuple[int, ...]
    ) -> None:
        facts = {
            "code": "c1", "site": "云泽门户", "name": "社会救助", "unit": "民政局",
            "domain": "social_assistance", "last_update": date(2026, 10, 1), **changes,
        }  # fmt: skip
        found = audit([Column(**facts)], [("民政局", "social_assistance")], date(2026, 11, 2))
        assert tuple(found.counts.values()) == counts

    def test_the_second_column_of_one_name_is_the_duplicate(self) -> None:
        day = date(2026, 10, 1)
        columns = [
            Column("c1", "云泽门户", "社会救助", "民政局", "social_assistance", day),
            Column("c2", "云泽门户", "社会 救助", "民政局", "social_assistance", day),
            Column("c3", "新街镇网站", "社会救助", "新街镇", "social_assistance", day),
        ]
        assert audit(columns, [], day).duplicate == ("c2",)
