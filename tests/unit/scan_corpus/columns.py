"""Columns of a table: clean ones, ones that look dangerous, and ones that are; each cell labelled.

`Column.labels` says which rows hold what; a cell without a label is clean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from . import written_numbers as numbers

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志远梓涵"
ROADS = ("人民路", "中山大道", "解放街", "云泽大道", "湖滨路", "学府街", "工业三路", "青年路")
ESTATES = ("锦绣花园", "阳光小区", "云水苑", "朝阳新村", "滨江府")
UNITS = ("市教育局", "市民政局", "市交通运输局", "市水务局", "市应急管理局", "东湖区城管局")
TOPICS = ("停车场", "公共厕所", "公交线路", "图书馆", "污水处理厂", "农贸市场", "养老机构")

Make = Callable[[Random], str]


@dataclass
class Column:
    """One column with its heading; `labels`: kind by the index of its cell."""

    heading: str
    cells: list[str]
    labels: dict[int, str] = field(default_factory=dict)
    is_hard: bool = False


def _filled(rng: Random, rows: int, headings: tuple[str, ...], make: Make) -> Column:
    return Column(rng.choice(headings), [make(rng) for _ in range(rows)])


def person(rng: Random) -> str:
    return rng.choice(SURNAMES) + "".join(rng.choice(GIVEN) for _ in range(rng.choice((1, 2))))


def home(rng: Random) -> str:
    return (
        f"云泽市{rng.choice(('东湖区', '西山区', '南浦县'))}{rng.choice(ROADS)}"
        f"{rng.randrange(1, 400)}号{rng.choice(ESTATES)}{rng.randrange(1, 30)}栋"
        f"{rng.randrange(1, 4)}单元{rng.randrange(101, 3300)}室"
    )


# --- clean ---------------------------------------------------------------------------------------


def _note(rng: Random) -> str:
    return rng.choice(
        (
            f"{rng.choice(UNITS)}负责，每月更新，共 {rng.randrange(2, 900)} 处",
            f"按照《云泽市公共数据管理办法》第{rng.randrange(1, 60)}条办理",
            f"{rng.randrange(2018, 2027)}年第{rng.randrange(1, 5)}季度完成，投资{rng.randrange(10, 9000)}万元",
            "依法公开，长期有效",
            f"{rng.choice(TOPICS)}开放时间 09:00-17:30，节假日除外",
            "涉及商业秘密的内容已删除",
            "依据《中华人民共和国保守国家秘密法》审查后公开",
            f"经度 116.{numbers.digits(rng, 6)}，纬度 39.{numbers.digits(rng, 6)}",
            f"咨询电话：{numbers.landline(rng)}",
            f"规格 {rng.randrange(10, 99)}×{rng.randrange(10, 99)}，货号 {rng.choice('ABCK')}{numbers.digits(rng, 6)}",
            "数据完整性、保密性等级为二级",
            "",
        )
    )


CLEAN: tuple[tuple[tuple[str, ...], Make], ...] = (
    (("名称", "设施名称", "项目名称"), lambda r: f"{r.choice(TOPICS)}{r.randrange(1, 999)}号"),
    (("单位", "主管部门", "责任单位"), lambda r: r.choice(UNITS)),
    (("数量", "泊位数", "床位数"), lambda r: str(r.randrange(0, 5000))),
    (("金额", "投资额（万元）"), lambda r: f"{r.uniform(0, 1e7):,.2f}"),
    (("占比", "完成率"), lambda r: f"{r.uniform(0, 100):.1f}%"),
    (("日期", "登记日期"), lambda r: numbers.some_day(r, 2000, 2026).isoformat()),
    (("更新时间",), lambda r: f"{numbers.some_day(r, 2020, 2026)} {r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}"),
    (("区划", "行政区划代码"), lambda r: r.choice(numbers.REGIONS)),
    (("类别", "性质"), lambda r: r.choice(("公办", "民办", "公益", "经营", "其他"))),
    (("网址", "链接"), lambda r: f"https://data.yunze.example/d/{r.randrange(10**6)}"),
    (("备注", "说明", "情况"), _note),
    (("地址", "设施地址"), lambda r: f"{r.choice(ROADS)}{r.randrange(1, 999)}号"),
    (("邮政编码",), lambda r: f"{r.randrange(100000, 859999)}"),
)  # fmt: skip

# Weighted so that a third of all hard negatives are 18-digit codes in the shape of region and date.
HARD: tuple[tuple[int, tuple[str, ...], Make], ...] = (
    (10, ("项目代码", "订单号", "案卷号", "合同编号", "受理编号"), numbers.date_shaped_code),
    (4, ("项目代码", "立项编号"), numbers.project_code),
    (3, ("订单号", "业务流水号", "缴款书编号"), numbers.order_number),
    (3, ("设备编号", "电表号", "IMEI", "SIM卡ICCID"), numbers.device_number),
    (2, ("统一社会信用代码", "机构代码"), numbers.uscc),
    (2, ("咨询电话", "办公电话", "监督电话"), numbers.landline),
    (1, ("设备序列号", "出厂编号"), lambda r: numbers.digits(r, 11)),
    (1, ("资产编号", "档案号"), lambda r: r.choice("023456789") + numbers.digits(r, 10)),
    (1, ("条码", "商品条码"), numbers.barcode),
    (1, ("坐标", "经纬度"), lambda r: f"116.{numbers.digits(r, 6)},39.{numbers.digits(r, 6)}"),
    (1, ("批次", "日期编号"), lambda r: f"{numbers.some_day(r, 1990, 2026):%Y%m%d}"),
    (1, ("货号", "型号"), lambda r: f"{r.choice('KHMEG')}{numbers.digits(r, r.choice((5, 6, 12)))}"),
)  # fmt: skip


def clean(rng: Random, rows: int) -> Column:
    headings, make = rng.choice(CLEAN)
    return _filled(rng, rows, headings, make)


def hard(rng: Random, rows: int) -> Column:
    [(_, headings, make)] = rng.choices(HARD, weights=[weight for weight, *_ in HARD])
    column = _filled(rng, rows, headings, make)
    column.is_hard = True
    return column


# --- not clean -----------------------------------------------------------------------------------

ID_HEADINGS = ("身份证号", "身份证号码", "证件号码", "公民身份号码", "证件编号", "身份证")
PHONE_HEADINGS = ("手机号", "手机号码", "联系电话", "电话", "联系方式", "移动电话")
NEUTRAL = ("字段七", "内容", "编码", "col5", "值")

DENSE: tuple[tuple[int, tuple[str, ...], str, Make], ...] = (
    (20, ID_HEADINGS, "id", numbers.written_id),
    (5, NEUTRAL, "id", numbers.written_id),
    (3, ("身份证号", "居民身份证号码"), "id", numbers.id15),
    (3, ("学籍号", "残疾人证号"), "id", numbers.embedded_id),
    (2, ("居住证号码", "永久居留身份证号", "证件号码"), "id", numbers.residence),
    (20, PHONE_HEADINGS, "mobile", numbers.written_mobile),
    (5, NEUTRAL, "mobile", numbers.written_mobile),
    (12, ("银行卡号", "账号", "收款账号", "银行账号", "卡号"), "bankcard", numbers.written_card),
    (3, ("开户行及账号", "开户行、账号"), "bankcard", lambda r: f"云泽银行{r.choice(ROADS)}支行 {numbers.written_card(r)}"),
    (4, ("护照号码", "护照号", "通行证或护照号"), "passport", numbers.passport),
    (3, ("电子邮箱", "邮箱"), "email", lambda r: f"{r.choice(('zhang', 'li', 'w.fang'))}{r.randrange(9999)}@mail.yunze.example"),
)  # fmt: skip


def dense(rng: Random, rows: int) -> Column:
    """Every cell is a positive; a tenth of the columns has empty cells between."""
    [(_, headings, kind, make)] = rng.choices(DENSE, weights=[weight for weight, *_ in DENSE])
    column = _filled(rng, rows, headings, make)
    gaps = rng.random() < 0.1
    for row in range(rows):
        if gaps and rng.random() < 0.4:
            column.cells[row] = ""
        else:
            column.labels[row] = kind
    return column


def homes(rng: Random, rows: int) -> tuple[Column, Column]:
    """Names beside home addresses: dangerous together only."""
    names = _filled(rng, rows, ("姓名", "户主", "户主姓名", "联系人"), person)
    places = _filled(rng, rows, ("家庭住址", "住址", "户籍地址", "现住址"), home)
    places.labels = dict.fromkeys(range(rows), "name_address")
    return names, places


SENTENCES: tuple[tuple[int, str, Callable[[Random], str]], ...] = (
    (5, "id", lambda r: f"经核查，居民{person(r)}（身份证号{numbers.id18(r)}）符合条件"),
    (3, "id", lambda r: f"申请人{person(r)}，{numbers.id18(r)}，材料齐全"),
    (2, "id", lambda r: f"身份证：{numbers.written_id(r)}；已核验"),
    (1, "id", lambda r: f"身份证号码 {numbers.id15(r)}（旧证）"),
    (5, "mobile", lambda r: f"请联系{person(r)}{numbers.mobile(r)}（微信同号）"),
    (3, "mobile", lambda r: f"联系电话：{numbers.written_mobile(r)}，工作日接听"),
    (2, "mobile", lambda r: f"电话{numbers.landline(r)}或{numbers.mobile(r)}"),
    (3, "bankcard", lambda r: f"补贴已汇入{person(r)}账户，卡号：{numbers.written_card(r)}"),
    (1, "bankcard", lambda r: f"开户行云泽银行，账号{numbers.bank_card(r)}"),
    (1, "passport", lambda r: f"外籍教师，护照号{numbers.passport(r)}"),
    (1, "id", lambda r: "；".join(f"{person(r)}{numbers.id18(r)}" for _ in range(3))),
    (
        1,
        "mobile",
        lambda r: f"{_note(r)}。" * r.randrange(50, 400) + f"投诉请拨{numbers.mobile(r)}",
    ),
    (1, "email", lambda r: f"邮件请发 user{r.randrange(9999)}@mail.yunze.example"),
)


def sentence(rng: Random) -> tuple[str, str]:
    """(kind, text) of a sentence that holds one positive."""
    [(_, kind, make)] = rng.choices(SENTENCES, weights=[weight for weight, *_ in SENTENCES])
    return kind, make(rng)


def prose(rng: Random, rows: int, share: float) -> Column:
    """Free text, of which a share of the cells holds one positive each."""
    column = Column(rng.choice(("备注", "情况说明", "处理意见", "内容")), [])
    for row in range(rows):
        if rng.random() < share:
            kind, text = sentence(rng)
            column.labels[row] = kind
        else:
            text = _note(rng)
        column.cells.append(text)
    return column


MARKS = (
    ("secret_mark", "机密★10年"),
    ("secret_mark", "秘密★1年"),
    ("secret_mark", "绝密★长期"),
    ("secret_mark", "机 密 ☆ 5年"),
    ("secret_mark", "秘密*6个月"),
    ("internal_mark", "内部资料，注意保存"),
    ("internal_mark", "内部文件 不得外传"),
    ("internal_mark", "仅供领导参阅"),
    ("internal_mark", "会后收回"),
)
