"""Items of the standard catalogue: elements, checks by number, states, codes, rows of the form."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.intake import Row
from ckanext.govopen.domain.standard_rows import RowReader, domain_in, elements_of, limit_of
from ckanext.govopen.domain.standards import (
    ELEMENTS,
    CodeBook,
    Facts,
    activation_findings,
    full_code,
    is_vague,
    name_findings,
    name_key,
    transition_finding,
)
from ckanext.govopen.logic.vocab import vocabularies

TODAY = date(2026, 11, 2)
FACTS = Facts(TODAY)
# An item that nothing can be said against.
SAMPLE = {
    "domain": "affordable_housing",
    "item_l1": "配给管理",
    "name": "公租房轮候与分配结果",
    "content_elements": "轮候排序; 分配房源; 分配对象姓名(身份证号隐去); 公示期; 监督电话",
    "legal_basis": [
        {
            "kind": "dept_rule",
            "title": "公共租赁住房管理办法",
            "doc_no": "住房和城乡建设部令第11号",
        },
        {"kind": "admin_regulation", "title": "政府信息公开条例", "doc_no": "国务院令第711号"},
    ],
    "time_limit": "信息形成或者变更之日起20个工作日内",
    "bodies": ["云泽市住房和城乡建设局"],
    "channels": ["gov_website", "service_center", "notice_board"],
    "audience": "public",
    "mode": "active",
    "levels": ["county", "township"],
    "five_open": ["result"],
    "source_entry": [{"type": "public_service_list", "code": "YZ-20-0008-000"}],
}


def codes_of(changes: dict[str, object], facts: Facts = FACTS) -> list[str]:
    fields = {name: value for name, value in {**SAMPLE, **changes}.items() if value is not None}
    return [finding.code for finding in activation_findings(fields, facts)]


class TestChecks:
    def test_a_complete_item_has_nothing_to_say(self) -> None:
        assert codes_of({}) == []

    @pytest.mark.parametrize(("element", "name"), ELEMENTS.items())
    def test_a_missing_element_is_named(self, element: str, name: str) -> None:
        fields = {one: value for one, value in SAMPLE.items() if one != name}
        named = [
            finding.params["element"]
            for finding in activation_findings(fields, FACTS)
            if finding.code == "standards.E8"
        ]
        assert named == [element]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"channels": ["notice_board"]}, "standards.E1"),
            ({"channels": ["gov_website", "other"]}, "standards.E2"),
            ({"audience": None}, "standards.E3"),
            ({"levels": []}, "standards.E3"),
            ({"channels": []}, "standards.E3"),
            (
                {"legal_basis": [{"kind": "policy", "title": "x", "doc_no": "建2016-3"}]},
                "standards.E4",
            ),
            ({"time_limit": "信息形成或者变更之日起30个工作日内"}, "standards.E6"),
            ({"audience": "specific"}, "standards.E12"),
            ({"five_open": []}, "standards.E13"),
            ({"time_limit": "见附件"}, "standards.W10"),
            ({"mode": "on_request"}, "standards.W3"),
            ({"content_elements": "同上"}, "standards.W5"),
            ({"source_entry": None}, "standards.W6"),
            ({"name": "其他有关信息"}, "standards.W8"),
        ],
    )
    def test_each_fault_has_its_number(self, changes: dict[str, object], code: str) -> None:
        assert codes_of(changes) == [code]

    @pytest.mark.parametrize(
        "changes",
        [
            {"channels": ["notice_board"], "mode": "on_request", "audience": "specific",
             "audience_group": "被征收人"},
            {"channels": ["gov_website", "other"], "channel_other": "村民微信群"},
            {"time_limit": "信息形成之日起40个工作日内", "mode": "on_request",
             "audience": "specific", "audience_group": "被征收人"},
        ],
    )  # fmt: skip
    def test_what_a_rule_excepts_passes(self, changes: dict[str, object]) -> None:
        assert codes_of(changes) == []

    def test_a_body_counts_between_its_founding_and_its_end(self) -> None:
        body = "云泽市住房和城乡建设局"
        for valid, expected in (
            ((date(2019, 1, 20), None), []),
            ((date(2019, 1, 20), TODAY), ["standards.E7"]),
            ((date(2026, 11, 3), None), ["standards.E7"]),
        ):
            assert codes_of({}, Facts(TODAY, {body: valid})) == expected

    def test_a_repealed_basis_is_named(self) -> None:
        facts = Facts(TODAY, repealed=frozenset({"国务院令第711号"}))
        assert codes_of({}, facts) == ["standards.W1"]

    def test_names_equal_after_folding_are_refused_at_the_later_item(self) -> None:
        items = [
            ("social_assistance-01-01", {"name": "低保审核信息(城市)"}),
            ("social_assistance-01-02", {"name": "低保 审核信息（城市）"}),
            ("social_assistance-01-03", {"name": "低保审核信息"}),
        ]
        assert [(code, one.code) for code, one in name_findings(items)] == [
            ("social_assistance-01-02", "standards.E10")
        ]

    @pytest.mark.parametrize("name", ["其他", "相关信息", "有关事项", "其它相关情况", "其他 信息"])
    def test_a_vague_name_is_seen(self, name: str) -> None:
        assert is_vague(name)

    @pytest.mark.parametrize("name", ["临时救助审批结果", "其他救助对象名单", "信息公开指南"])
    def test_a_name_that_says_what_is_not_vague(self, name: str) -> None:
        assert not is_vague(name)

    @given(st.text(max_size=20))
    def test_folding_a_name_twice_changes_nothing(self, name: str) -> None:
        assert name_key(name_key(name)) == name_key(name)


class TestStates:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("draft", "in_review"),
            ("in_review", "active"),
            ("active", "active"),
            ("active", "retired"),
        ],
    )
    def test_the_way_of_an_item_is_open(self, old: str, new: str) -> None:
        assert transition_finding(old, new) is None

    @pytest.mark.parametrize(("old", "new"), [("draft", "active"), ("retired", "active")])
    def test_any_other_step_names_the_allowed_ones(self, old: str, new: str) -> None:
        finding = transition_finding(old, new)
        assert finding is not None
        assert finding.code == "standards.E9"


class TestCodes:
    def test_codes_count_below_their_field_and_level(self) -> None:
        book = CodeBook(set())
        given_codes = [
            book.give({"domain": "health", "item_l1": one, "name": two})
            for one, two in (("许可", "a"), ("许可", "b"), ("检查", "a"), ("许 可", "a"))
        ]
        assert given_codes == ["health-01-01", "health-01-02", "health-02-01", "health-01-01"]

    def test_a_code_of_a_retired_item_is_never_given_again(self) -> None:
        book = CodeBook({"health-01-01", "health-01-07"}, {("health", "许可", "a"): "health-01-01"})
        assert book.give({"domain": "health", "item_l1": "许可", "name": "b"}) == "health-01-08"

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["health", "taxation"]),
                st.sampled_from("甲乙丙"),
                st.sampled_from("一二三四"),
            )
        )
    )
    def test_an_item_has_one_code_and_a_code_one_item(
        self, places: list[tuple[str, str, str]]
    ) -> None:
        book = CodeBook(set())
        found = {
            place: book.give(dict(zip(("domain", "item_l1", "name"), place, strict=True)))
            for place in places
        }
        assert len(set(found.values())) == len(set(places))
        assert all(code.startswith(place[0]) for place, code in found.items())

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("0505", "health-05-05"),
            ("05-12", "health-05-12"),
            ("social_assistance-02-01", "social_assistance-02-01"),
            ("第5项", None),
            ("", None),
        ],
    )
    def test_codes_of_files_are_understood(self, text: str, code: str | None) -> None:
        assert full_code("health", text) == code


def reader(domain: str | None = "social_assistance") -> RowReader:
    known = {"云泽市民政局": "云泽市民政局"}
    return RowReader("社会救助", domain, vocabularies(), known.get, "云泽市新街镇人民政府")


def row(number: int, **texts: str) -> Row:
    cells = {name: f"{chr(65 + at)}{number}" for at, name in enumerate(texts)}
    return Row(number, texts, texts, cells)


FULL = {
    "seq": "1",
    "item_l1": "临时救助",
    "name": "审核审批信息",
    "content_elements": "1.支出型临时救助对象名单；2.救助金额",
    "legal_basis": "【规章】《关于全面建立临时救助制度的通知》（国发〔2014〕47号）",
    "time_limit": "制定公示期限，公示不少于7个工作日",
    "bodies": "云泽市民政局、乡镇人民政府",
    "channels": "■政府网站 □政府公报 ■公开查阅点",
    "audience_public": "√",
    "mode_active": "√",
    "level_county": "√",
    "level_township": "√",
}


class TestRows:
    def test_a_row_of_the_form_becomes_an_item(self) -> None:
        read = reader().read(row(5, **FULL))
        assert read.fields == {
            "seq": "1",
            "item_l1": "临时救助",
            "name": "审核审批信息",
            "domain": "social_assistance",
            "content_elements": "1.支出型临时救助对象名单；2.救助金额",
            "legal_basis": [
                {
                    "kind": "dept_rule",
                    "title": "关于全面建立临时救助制度的通知",
                    "doc_no": "国发〔2014〕47号",
                }
            ],
            "time_limit": "制定公示期限，公示不少于7个工作日",
            "bodies": ["云泽市民政局"],
            "bodies_raw": "云泽市民政局、乡镇人民政府",
            "channels": ["gov_website", "reading_point"],
            "audience": "public",
            "mode": "active",
            "levels": ["county", "township"],
        }
        assert read.findings == ()
        assert elements_of(read.fields) == ("支出型临时救助对象名单", "救助金额")
        assert limit_of(read.fields)["kind"] == "period"

    def test_level_one_is_filled_forward_and_level_two_copied(self) -> None:
        sheet = reader()
        sheet.read(row(5, **FULL))
        below = sheet.read(row(6, **{**FULL, "item_l1": "", "name": "政策法规文件"}))
        alone = sheet.read(row(7, **{**FULL, "item_l1": "救助机构", "name": ""}))
        assert below.fields["item_l1"] == "临时救助"
        assert (alone.fields["item_l1"], alone.fields["name"]) == ("救助机构", "救助机构")

    def test_as_above_takes_what_stands_above(self) -> None:
        sheet = reader()
        first = sheet.read(row(5, **FULL))
        second = sheet.read(row(6, **{**FULL, "legal_basis": "同上", "time_limit": "〃"}))
        third = sheet.read(row(7, **{**FULL, "legal_basis": "（同上）"}))
        assert second.fields["legal_basis"] == first.fields["legal_basis"]
        assert second.fields["time_limit"] == first.fields["time_limit"]
        assert third.fields["legal_basis"] == first.fields["legal_basis"]

    def test_as_above_in_the_first_row_is_named_with_its_cell(self) -> None:
        read = reader().read(row(5, **{**FULL, "legal_basis": "同上"}))
        assert [(one.code, one.sheet, one.cell) for one in read.findings] == [
            ("standards.W5", "社会救助", "E5")
        ]

    def test_a_mark_that_nobody_knows_is_refused_with_sheet_and_cell(self) -> None:
        read = reader().read(row(9, **{**FULL, "channels": "◐政府网站", "level_county": "▲"}))
        assert [(one.code, one.sheet, one.cell) for one in read.findings] == [
            ("standards.E11", "社会救助", "H9"),
            ("standards.E11", "社会救助", "K9"),
        ]

    def test_a_body_that_no_unit_is_called_means_the_owner(self) -> None:
        read = reader().read(row(5, **{**FULL, "bodies": "乡镇人民政府（街道办事处）"}))
        assert read.fields["bodies"] == ["云泽市新街镇人民政府"]

    @pytest.mark.parametrize(
        ("texts", "expected"),
        [
            ({"audience": "全社会"}, {"audience": "public"}),
            (
                {"audience": "特定群体（被征收人）"},
                {"audience": "specific", "audience_group": "被征收人"},
            ),
            (
                {"audience_specific": "项目单位"},
                {"audience": "specific", "audience_group": "项目单位"},
            ),
            ({"audience": "本村村民"}, {"audience": "specific", "audience_group": "本村村民"}),
            ({"audience_public": "□", "audience_specific": ""}, {}),
        ],
    )
    def test_the_audience_stands_in_two_columns_or_one(
        self, texts: dict[str, str], expected: dict[str, str]
    ) -> None:
        read = reader().read(row(5, **{**FULL, "audience_public": "", **texts})).fields
        assert {name: read[name] for name in read if name.startswith("audience")} == expected

    @pytest.mark.parametrize(
        ("texts", "mode"),
        [
            ({"mode_active": "", "mode_on_request": "√"}, "on_request"),
            ({"mode_active": "√", "mode_on_request": "√"}, "active"),
            ({"mode_active": "", "mode": "依申请公开"}, "on_request"),
            ({"mode_active": ""}, None),
        ],
    )
    def test_the_mode_stands_in_two_columns_or_one(
        self, texts: dict[str, str], mode: str | None
    ) -> None:
        assert reader().read(row(5, **{**FULL, **texts})).fields.get("mode") == mode

    def test_levels_may_stand_as_words(self) -> None:
        read = reader().read(
            row(
                5,
                **{
                    **FULL,
                    "level_county": "",
                    "level_township": "",
                    "levels": "县级、乡镇（街道）",
                },
            )
        )
        assert read.fields["levels"] == ["county", "township"]

    def test_stages_and_categories_are_read_where_a_form_has_them(self) -> None:
        read = reader().read(
            row(5, **{**FULL, "five_open": "决策、结果公开", "statutory_category": "a21"})
        )
        assert read.fields["five_open"] == ["decision", "result"]
        assert read.fields["statutory_category"] == "a21"

    def test_an_unknown_stage_names_the_allowed_ones(self) -> None:
        read = reader().read(row(5, **{**FULL, "five_open": "宣传"}))
        assert [one.code for one in read.findings] == ["vocab.E1"]

    @pytest.mark.parametrize(
        ("title", "domain"),
        [
            ("（二十）社会救助领域基层政务公开标准目录", "social_assistance"),
            ("国有土地上房屋征收与补偿", "house_expropriation"),
            ("云泽市环境保护目录", "eco_environment"),
            ("就业创业", "employment"),
            ("乡村振兴领域", "poverty_alleviation"),
            ("Sheet1", None),
        ],
    )
    def test_the_field_is_read_from_a_title(self, title: str, domain: str | None) -> None:
        assert domain_in(title, vocabularies()) == domain

    def test_a_sheet_without_a_field_is_named(self) -> None:
        read = reader(domain=None).read(row(5, **FULL))
        assert [one.code for one in read.findings] == ["standards.E14"]


class TestVocabularies:
    def test_there_are_26_fields_and_7_later_ones(self) -> None:
        numbers = [term.extra["number"] for term in vocabularies()["disclosure_domain"]]
        assert numbers == list(range(1, 34))

    def test_no_writing_of_a_field_means_two_fields(self) -> None:
        terms = vocabularies()["disclosure_domain"]
        writings = [one for term in terms for one in (term.code, term.zh, *term.synonyms)]
        assert len(writings) == len(set(writings))
