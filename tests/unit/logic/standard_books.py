"""Made-up standard catalogues and the four layouts in which offices send them.

The items are the truth; a layout only writes them down. Units, titles and numbers are fictional.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

Item = Mapping[str, object]

OWNER = "云泽市民政局"
UNITS = (OWNER, "云泽市医疗保障局", "云泽市新街镇人民政府")
DOMAINS = {"social_assistance": "社会救助", "elderly_care": "养老服务", "health": "卫生健康"}
CHANNELS = {
    "gov_website": "政府网站", "gazette": "政府公报", "two_micro_one_app": "两微一端",
    "press_hearing": "发布会/听证会", "radio_tv": "广播电视", "print_media": "纸质媒体",
    "reading_point": "公开查阅点", "service_center": "政务服务中心",
    "convenience_station": "便民服务站", "home_onsite": "入户/现场",
    "notice_board": "社区/企事业单位/村公示栏（电子屏）", "targeted_push": "精准推送", "other": "其他",
}  # fmt: skip
LEVELS = {"city": "市级", "county": "县级", "township": "乡级", "village": "村级"}
STAGES = {
    "decision": "决策",
    "execution": "执行",
    "management": "管理",
    "service": "服务",
    "result": "结果",
}
_KINDS = {
    "law": "法律",
    "admin_regulation": "行政法规",
    "dept_rule": "部门规章",
    "normative_doc": "规范性文件",
}
_L1 = ("政策法规", "对象认定", "审核审批", "资金发放", "监督检查", "机构管理")
_L2 = (
    "政策文件",
    "办事指南",
    "审核结果",
    "审批结果",
    "公示名单",
    "资金标准",
    "检查结果",
    "投诉渠道",
)
_BASIS = (
    ("law", "云泽社会保障法", None), ("admin_regulation", "社会救助暂行办法", "国务院令第649号"),
    ("dept_rule", "特困人员认定办法", "民政部令第61号"), ("normative_doc", "关于规范工作的通知", "云民发〔2024〕12号"),
)  # fmt: skip
_LIMITS = (
    "信息形成或者变更之日起20个工作日内", "公示期不少于7个工作日", "实时公开", "长期公开",
    "自制作或获取该信息之日起10个工作日内",
)  # fmt: skip


def make_items(seed: int, domains: Sequence[str], each: int = 9) -> list[Item]:
    """Items of some fields, sorted by field and level 1, names unique within a field."""
    chance = random.Random(seed)  # noqa: S311 a fixed world
    items: list[Item] = []
    for domain in domains:
        places = chance.sample([(one, two) for one in _L1 for two in _L2], each)
        for level_one, level_two in sorted(places):
            items.append(_item(chance, domain, level_one, f"{level_one}{level_two}"))
    return items


def _item(chance: random.Random, domain: str, level_one: str, name: str) -> Item:
    channels = {"gov_website", *chance.sample([*CHANNELS], chance.randint(0, 4))}
    item: dict[str, object] = {
        "domain": domain, "item_l1": level_one, "name": name,
        "content_elements": "；".join(chance.sample(("文件标题", "文号", "申请条件", "办理流程", "联系方式"), 3)),
        "legal_basis": [
            {"kind": kind, "title": title, **({"doc_no": number} if number else {})}
            for kind, title, number in chance.sample(_BASIS, chance.randint(1, 3))
        ],
        "time_limit": chance.choice(_LIMITS),
        "bodies": chance.sample(UNITS, chance.randint(1, 2)),
        "channels": [code for code in CHANNELS if code in channels],
        "mode": chance.choice(("active", "active", "on_request")),
        "levels": sorted(chance.sample([*LEVELS], chance.randint(1, 3)), key=[*LEVELS].index),
        "five_open": sorted(chance.sample([*STAGES], chance.randint(1, 2)), key=[*STAGES].index),
    }  # fmt: skip
    if "other" in channels:
        item["channel_other"] = chance.choice(("村民微信群", "流动宣传车"))
    if chance.random() < 0.3:
        item |= {
            "audience": "specific",
            "audience_group": chance.choice(("救助对象", "申请人家庭")),
        }
    else:
        item["audience"] = "public"
    item["bodies_raw"] = "、".join(item["bodies"])  # type: ignore[arg-type]
    return item


def basis_text(item: Item, separator: str = "；") -> str:
    """The basis as the guidelines print it."""
    return separator.join(
        f"【{_KINDS[one['kind']]}】《{one['title']}》"
        + (f"（{one['doc_no']}）" if "doc_no" in one else "")
        for one in item["legal_basis"]  # type: ignore[attr-defined]
    )


def boxes(item: Item, checked: str, empty: str) -> str:
    """Every box of the form, two on a line."""
    labels = []
    for code, label in CHANNELS.items():
        is_checked = code in item["channels"]  # type: ignore[operator]
        words = f"：{item['channel_other']}" if code == "other" and is_checked else ""
        labels.append(f"{checked if is_checked else empty}{label}{words}")
    return "\n".join(" ".join(labels[at : at + 2]) for at in range(0, len(labels), 2))


def _ticks(item: Item, levels: Sequence[str]) -> list[str]:
    is_public = item["audience"] == "public"
    return [
        "√" if is_public else "",
        "" if is_public else str(item["audience_group"]),
        "√" if item["mode"] == "active" else "",
        "√" if item["mode"] == "on_request" else "",
        *("√" if level in item["levels"] else "" for level in levels),  # type: ignore[operator]
    ]


def _two_row_header(
    sheet: Worksheet, first: int, levels: Sequence[str], extra: Sequence[str]
) -> None:
    """The uniform header: parents merged over their children, single columns merged downward."""
    parents = ["序号", "公开事项", "", "公开内容（要素）", "公开依据", "公开时限", "公开主体",
               "公开渠道和载体", "公开对象", "", "公开方式", "", "公开层级"]  # fmt: skip
    children = ["", "一级事项", "二级事项", *[""] * 5, "全社会", "特定群体", "主动", "依申请公开",
                *(LEVELS[level] for level in levels)]  # fmt: skip
    sheet.append([*parents, *[""] * (len(levels) - 1), *extra])
    sheet.append([*children, *[""] * len(extra)])
    last = 12 + len(levels)
    for left, right in ((2, 3), (9, 10), (11, 12), (13, last)):
        if right > left:
            sheet.merge_cells(start_row=first, end_row=first, start_column=left, end_column=right)
    for column in (1, 4, 5, 6, 7, 8, *range(last + 1, last + 1 + len(extra))):
        sheet.merge_cells(
            start_row=first, end_row=first + 1, start_column=column, end_column=column
        )


def _merge_equal(sheet: Worksheet, top: int, items: Sequence[Item], column: int, name: str) -> None:
    at = top
    for _, group in groupby(items, key=lambda item: item[name]):
        size = len(list(group))
        if size > 1:
            sheet.merge_cells(
                start_row=at, end_row=at + size - 1, start_column=column, end_column=column
            )
        at += size


def official(path: Path, items: Sequence[Item]) -> None:
    """One sheet for each field, its name there, level 1 merged; no column of stages."""
    book = Workbook()
    book.active.title = "封面"
    book.active.append(["云泽市基层政务公开标准目录"])
    levels = ("county", "township")
    for domain, group in groupby(items, key=lambda item: item["domain"]):
        sheet = book.create_sheet(f"{DOMAINS[str(domain)]}领域")
        sheet.append([f"云泽市{DOMAINS[str(domain)]}领域基层政务公开标准目录"])
        sheet.merge_cells(start_row=1, end_row=1, start_column=1, end_column=14)
        _two_row_header(sheet, 2, levels, ())
        rows = list(group)
        for number, item in enumerate(rows, 1):
            sheet.append(_row(number, item, boxes(item, "■", "□"), levels))
        _merge_equal(sheet, 4, rows, 2, "item_l1")
    book.save(path)


def _row(number: int, item: Item, channels: str, levels: Sequence[str]) -> list[object]:
    return [
        number, item["item_l1"], item["name"], item["content_elements"], basis_text(item, "\n"),
        item["time_limit"], item["bodies_raw"], channels, *_ticks(item, levels),
    ]  # fmt: skip


def with_stages(path: Path, items: Sequence[Item]) -> None:
    """One sheet without a telling name: the field stands in the title; 同上, ☑, stages, notes."""
    book = Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    sheet.append([f"附件：{DOMAINS[str(items[0]['domain'])]}领域政务公开事项标准目录（2026年版）"])
    sheet.append(["填报单位：云泽市民政局", "", "", "填报日期：2026年3月1日"])
    levels = tuple(LEVELS)
    _two_row_header(sheet, 3, levels, ("五公开", "责任科室", "备注"))
    above: list[object] = []
    for number, item in enumerate(items, 1):
        row = [*_row(number, item, boxes(item, "☑", "☐"), levels), _stages(item), "", ""]
        shown = [
            "同上" if column in (4, 5, 6) and above and value == above[column] else value
            for column, value in enumerate(row)
        ]
        sheet.append(shown)
        above = row
    sheet.append(["说明：本目录由云泽市民政局负责解释。"])
    book.save(path)


def _stages(item: Item) -> str:
    return "、".join(STAGES[stage] for stage in item["five_open"])  # type: ignore[attr-defined]


def text_table(path: Path, items: Sequence[Item]) -> None:
    """A csv in GB 18030 with both header rows and nothing repeated under a merged cell."""
    levels = ("county", "township", "village")
    rows: list[list[object]] = [
        ["序号", "公开事项", "", "公开内容要素", "公开依据", "公开时限", "公开主体", "公开渠道和载体",
         "公开对象", "", "公开方式", "", "公开层级", "", ""],
        ["", "一级事项", "二级事项", "", "", "", "", "", "全社会", "特定群众", "主动公开", "依申请公开",
         *(LEVELS[level] for level in levels)],
    ]  # fmt: skip
    above = None
    for number, item in enumerate(items, 1):
        row = _row(number, item, boxes(item, "√", "○"), levels)
        row[1] = "" if item["item_l1"] == above else row[1]
        above = item["item_l1"]
        rows.append(row)
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerows(rows)


def one_row(path: Path, items: Sequence[Item]) -> None:
    """One header row, words in place of ticks, a column of fields, channels as a list."""
    book = Workbook()
    sheet = book.active
    sheet.title = "目录"
    sheet.append(["事项编码", "领域", "一级事项", "二级事项", "公开内容", "公开依据", "公开时限", "公开主体",
                  "公开渠道", "公开对象", "公开方式", "公开层级", "五公开"])  # fmt: skip
    for number, item in enumerate(items, 1):
        group = item.get("audience_group")
        sheet.append(
            [f"{number:04}", DOMAINS[str(item["domain"])], item["item_l1"], item["name"],
             item["content_elements"], basis_text(item), item["time_limit"], item["bodies_raw"],
             _listed(item), f"特定群体（{group}）" if group else "全社会",
             "主动公开" if item["mode"] == "active" else "依申请公开",
             "、".join(LEVELS[level] for level in item["levels"]), _stages(item)]  # type: ignore[attr-defined]
        )  # fmt: skip
    hidden = book.create_sheet("下拉选项")
    hidden.append(["公开方式"])
    hidden.sheet_state = "hidden"
    book.save(path)


def _listed(item: Item) -> str:
    labels = [CHANNELS[code] for code in item["channels"] if code != "other"]  # type: ignore[attr-defined]
    return "、".join([*labels, *([str(item["channel_other"])] if "channel_other" in item else [])])


Write = Callable[[Path, Sequence[Item]], None]
# Layout: how it is written, how its file ends, its levels, whether it has a column of stages.
LAYOUTS: Mapping[str, tuple[Write, str, tuple[str, ...], bool]] = {
    "official": (official, "xlsx", ("county", "township"), False),
    "with_stages": (with_stages, "xlsx", tuple(LEVELS), True),
    "text_table": (text_table, "csv", ("county", "township", "village"), False),
    "one_row": (one_row, "xlsx", tuple(LEVELS), True),
}


def shown(item: Item, layout: str) -> dict[str, object]:
    """The item as far as a layout can say it."""
    _, _, levels, has_stages = LAYOUTS[layout]
    fields = dict(item)
    kept = [level for level in item["levels"] if level in levels]  # type: ignore[attr-defined]
    fields.pop("levels")
    if kept:
        fields["levels"] = kept
    if not has_stages:
        fields.pop("five_open")
    return fields
