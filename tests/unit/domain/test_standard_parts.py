"""The columns of the official form that are more than text: boxes, limits, basis, elements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain import standard_basis, standard_limits
from ckanext.govopen.domain.standard_channels import ChannelReader
from ckanext.govopen.domain.standard_elements import split
from ckanext.govopen.domain.standard_limits import TimeLimit
from ckanext.govopen.domain.standard_ticks import read_group, read_tick
from ckanext.govopen.logic.vocab import vocabulary

CHANNELS = vocabulary("disclosure_channel")
KINDS = vocabulary("legal_basis_kind")
READER = ChannelReader(CHANNELS)

OFFICIAL = (
    "■政府网站 □政府公报\n□两微一端 □发布会/听证会\n□广播电视 □纸质媒体\n"
    "■公开查阅点 □政务服务中心\n□便民服务站 □入户/现场\n"
    "■社区/企事业单位/村公示栏（电子屏）\n□精准推送 □其他"
)


class TestChannels:
    @pytest.mark.parametrize(
        ("written", "codes"),
        [
            (OFFICIAL, ("gov_website", "reading_point", "notice_board")),
            ("☑ 政府网站 ☐ 政府公报 ✓ 政务新媒体", ("gov_website", "two_micro_one_app")),
            ("√政府门户网站\n○纸质媒体\n●行政服务中心", ("gov_website", "service_center")),
            ("■政府网站口政府公报■村（社区）公示栏", ("gov_website", "notice_board")),
            ("□政府网站 ■便民服务站", ("convenience_station",)),
            ("■ 入户 / 现场 □发布会／听证会", ("home_onsite",)),
            (
                "政府网站、政务服务中心、12345热线",
                ("gov_website", "service_center", "hotline_12345"),
            ),
            ("■信用中国网站■公共资源交易平台", ("resource_trading_platform", "credit_china")),
            ("\uf06e政府网站 \uf0a8政府公报", ("gov_website",)),
            ("□政府网站 □其他", ()),
        ],
    )
    def test_boxes_are_read_label_by_label(self, written: str, codes: tuple[str, ...]) -> None:
        read = READER.read(written)
        assert read.codes == codes
        assert not any(finding.is_refusal for finding in read.findings)

    def test_what_other_means_is_kept(self) -> None:
        read = READER.read("■政府网站 ■其他：村民微信群 □精准推送")
        assert (read.codes, read.other) == (("gov_website", "other"), "村民微信群")

    @pytest.mark.parametrize("written", ["■其他", "■其他____", "■其他（请注明）"])
    def test_other_without_words_has_none(self, written: str) -> None:
        assert READER.read(written).other == ""

    def test_an_unknown_label_becomes_other_with_its_words(self) -> None:
        read = READER.read("■政府网站 ■流动宣传车 □户外大屏")
        assert (read.codes, read.other) == (("gov_website", "other"), "流动宣传车")

    @pytest.mark.parametrize(
        "written",
        ["◐政府网站 □政府公报", "■政府网站 政府公报", "政府网站 ■政府公报", "⊠政府网站 ■政府公报"],
    )
    def test_a_mark_that_nobody_knows_is_refused(self, written: str) -> None:
        codes = [finding.code for finding in READER.read(written).findings]
        assert "standards.E11" in codes

    def test_a_mark_misread_is_named_with_how_it_was_read(self) -> None:
        read = READER.read("t政府网站 口政府公报")
        assert read.codes == ("gov_website",)
        assert [(one.code, one.value, one.params["read"]) for one in read.findings] == [
            ("standards.W9", "政府网站", "■"),
            ("standards.W9", "政府公报", "□"),
        ]

    def test_words_beside_a_label_are_kept_as_a_note(self) -> None:
        read = READER.read("■两微一端（云泽发布） □政府公报")
        assert read.codes == ("two_micro_one_app",)
        assert "云泽发布" in read.note

    @given(
        codes=st.sets(st.sampled_from(CHANNELS.codes)),
        other=st.text(alphabet="村民微信群宣传栏大屏幕广播站", min_size=1, max_size=8),
    )
    def test_printed_boxes_are_read_back(self, codes: set[str], other: str) -> None:
        words = other if "other" in codes else ""
        read = READER.read(READER.printed(tuple(codes), words))
        assert set(read.codes) == codes
        assert read.other == words
        assert not read.findings


class TestTimeLimits:
    @pytest.mark.parametrize(
        ("written", "kind", "days", "trigger"),
        [
            ("信息形成或者变更之日起20个工作日内", "working_days", 20, "formed_or_changed"),
            ("自信息形成或变更之日起 20 个工作日", "working_days", 20, "formed_or_changed"),
            ("信息形成（变更）之日起３个工作日内公开", "working_days", 3, "formed_or_changed"),
            ("自制作或获取该信息之日起10个工作日内", "working_days", 10, "made_or_obtained"),
            ("20工作日", "working_days", 20, "formed_or_changed"),
            ("批准之日起二十个工作日内", "working_days", 20, "approved"),
            ("决定作出之日起7个工作日内", "working_days", 7, "decided"),
            ("信息形成之日起15日内", "natural_days", 15, "formed_or_changed"),
            ("实时公开", "realtime", None, None),
            ("即时公开", "realtime", None, None),
            ("及时公开", "timely", None, None),
            ("长期公开", "long_term", None, None),
            ("公示期不少于7个工作日", "period", 7, None),
            ("制定公示时间，公示不少于5日", "period", 5, None),
            ("从其规定", "per_law", None, None),
            ("按照有关法律法规规定", "per_law", None, None),
            (
                "信息形成或者变更之日起20个工作日内；法律、法规另有规定的，从其规定",
                "working_days", 20, "formed_or_changed",
            ),
        ],
    )  # fmt: skip
    def test_words_become_data(
        self, written: str, kind: str, days: int | None, trigger: str | None
    ) -> None:
        read = standard_limits.parse(written)
        assert read == TimeLimit(kind, written, days, trigger)

    @pytest.mark.parametrize("written", ["", "见附件", "3个月"])
    def test_words_without_a_term_are_none(self, written: str) -> None:
        assert standard_limits.parse(written) is None

    @pytest.mark.parametrize(
        ("written", "is_longer"),
        [
            ("信息形成或者变更之日起20个工作日内", False),
            ("信息形成或者变更之日起21个工作日内", True),
            ("30个工作日内", True),
            ("30个工作日内，法律另有规定的从其规定", False),
            ("长期公开", False),
        ],
    )
    def test_more_than_the_law_allows_is_seen(self, written: str, is_longer: bool) -> None:
        assert standard_limits.exceeds_law(written) is is_longer

    @given(
        kind=st.sampled_from(["working_days", "natural_days", "period"]),
        days=st.integers(1, 99),
        trigger=st.sampled_from(["formed_or_changed", "made_or_obtained", "decided", "approved"]),
    )
    def test_printed_limits_are_read_back(self, kind: str, days: int, trigger: str) -> None:
        limit = TimeLimit(kind, "", days, None if kind == "period" else trigger)
        read = standard_limits.parse(standard_limits.printed(limit))
        assert read is not None
        assert (read.kind, read.days, read.trigger) == (kind, days, limit.trigger)

    @pytest.mark.parametrize("kind", ["realtime", "timely", "long_term", "per_law"])
    def test_limits_without_a_number_are_read_back(self, kind: str) -> None:
        read = standard_limits.parse(standard_limits.printed(TimeLimit(kind, "")))
        assert read is not None
        assert read.kind == kind


class TestBasis:
    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            (
                "【法律】《中华人民共和国社会保险法》第四条",
                [{"kind": "law", "title": "中华人民共和国社会保险法", "article": "第四条"}],
            ),
            (
                "【条例】《社会救助暂行办法》（国务院令第649号）第九条、第十条",
                [{
                    "kind": "admin_regulation", "title": "社会救助暂行办法",
                    "doc_no": "国务院令第649号", "article": "第九条、第十条",
                }],
            ),
            (
                "【规章】《公共租赁住房管理办法》(住房和城乡建设部令第11号)；",
                [{
                    "kind": "dept_rule", "title": "公共租赁住房管理办法",
                    "doc_no": "住房和城乡建设部令第11号",
                }],
            ),
            (
                "【部门规章及规范性文件】《关于规范最低生活保障的意见》（民发〔2012〕220 号）",
                [{
                    "kind": "normative_doc", "title": "关于规范最低生活保障的意见",
                    "doc_no": "民发〔2012〕220号",
                }],
            ),
            (
                "《政府信息公开条例》（2019年4月3日国务院令第711号修订）",
                [{
                    "kind": "admin_regulation", "title": "政府信息公开条例",
                    "doc_no": "国务院令第711号", "issued_on": "2019-04-03",
                }],
            ),
            (
                "《云泽市养犬管理条例》、津政办函〔2017〕72号",
                [
                    {"kind": "local_regulation", "title": "云泽市养犬管理条例"},
                    {"kind": "normative_doc", "title": "津政办函〔2017〕72号",
                     "doc_no": "津政办函〔2017〕72号"},
                ],
            ),
            (
                "1.《关于印发〈办法〉的通知》（云民发【2020】5号）\n2.《殡葬管理条例》",
                [
                    {"kind": "normative_doc", "title": "关于印发〈办法〉的通知",
                     "doc_no": "云民发〔2020〕5号"},
                    {"kind": "admin_regulation", "title": "殡葬管理条例"},
                ],
            ),
            ("", []),
        ],
    )  # fmt: skip
    def test_a_cell_becomes_laws_and_documents(
        self, written: str, expected: list[dict[str, str]]
    ) -> None:
        read = standard_basis.parse(written, KINDS)
        assert [one.facts() for one in read] == expected
        assert not standard_basis.unknown(read)

    def test_words_that_nobody_can_look_up_are_seen(self) -> None:
        read = standard_basis.parse("《社会保险法》；各级政府相关文件", KINDS)
        assert [one.title for one in standard_basis.unknown(read)] == ["各级政府相关文件"]

    @given(
        st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.sampled_from(
                        ["law", "admin_regulation", "local_regulation", "dept_rule",
                         "local_rule", "normative_doc", "policy"]
                    ),
                    "title": st.text(alphabet="云泽市社会救助管理办法暂行规定", min_size=2, max_size=12),
                },
                optional={
                    "doc_no": st.sampled_from(["国务院令第649号", "民发〔2012〕220号", "云泽市人民政府令(2019年)第2号"]),
                    "article": st.sampled_from(["第四条", "第九条第二款", "第九条、第十条"]),
                    "issued_on": st.dates().map(str).filter(lambda day: "1900" < day < "2099"),
                },
            ),
            max_size=4,
        )
    )  # fmt: skip
    def test_a_printed_basis_is_read_back(self, basis: list[dict[str, str]]) -> None:
        printed = standard_basis.printed(basis, KINDS)
        assert [one.facts() for one in standard_basis.parse(printed, KINDS)] == basis


class TestElements:
    @pytest.mark.parametrize(
        ("written", "elements"),
        [
            ("轮候排序; 分配房源; 公示期", ("轮候排序", "分配房源", "公示期")),
            ("1.申请条件；2.申请材料；3.办理流程", ("申请条件", "申请材料", "办理流程")),
            ("1. 申请条件 2. 申请材料", ("申请条件", "申请材料")),
            ("（1）受理（2）审核(3)公示", ("受理", "审核", "公示")),
            ("● 文件标题\n● 文号\n● 内容", ("文件标题", "文号", "内容")),
            ("①事项名称②设定依据", ("事项名称", "设定依据")),
            ("每平方米1.5元的标准；面积", ("每平方米1.5元的标准", "面积")),
            ("依据第2、3款作出的决定", ("依据第2、3款作出的决定",)),
            ("申请条件；申请条件；", ("申请条件",)),
            ("", ()),
        ],
    )
    def test_content_is_split_into_what_is_checked(
        self, written: str, elements: tuple[str, ...]
    ) -> None:
        assert split(written) == elements


class TestTicks:
    @pytest.mark.parametrize("written", ["√", "✓", "☑", "■", " √ ", "V", "是", "●"])
    def test_a_tick_is_one(self, written: str) -> None:
        assert read_tick("level_city", written) == (True, None)

    @pytest.mark.parametrize("written", ["", "  ", "□", "—", "×", "否", "/"])
    def test_an_empty_box_is_none(self, written: str) -> None:
        assert read_tick("level_city", written) == (False, None)

    def test_a_sign_that_nobody_knows_is_refused(self) -> None:
        is_ticked, finding = read_tick("level_city", "▲")
        assert not is_ticked
        assert finding is not None
        assert (finding.code, finding.field) == ("standards.E11", "level_city")

    def test_a_group_may_stand_in_place_of_the_tick(self) -> None:
        assert read_group("√") == (True, "")
        assert read_group("被征收人") == (True, "被征收人")
        assert read_group("√ 项目单位") == (True, "项目单位")
        assert read_group("") == (False, "")
