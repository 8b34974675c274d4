"""What the scan finds, believes and shows. All numbers are made up; their checks are computed."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from stdnum import luhn
from stdnum.cn import ric

from ckanext.govopen.domain import scan, scan_checks, scan_find, scan_patterns, scan_text

PERSON = "330102199003070" + "11"
PERSON += scan_patterns.id_check_character(PERSON)
WITH_X = "11010519491231002X"
MOBILE = "13900002345"
CARD = "6222021234567890128"


def found(text: str) -> dict[str, list[str]]:
    """Values that pass, by pattern."""
    values: dict[str, list[str]] = {}
    for match in scan_find.matches(scan_text.fold(text)):
        if match.passes:
            values.setdefault(match.code, []).append(match.value)
    return values


def table(rows: Sequence[Sequence[str]]) -> dict[str, tuple[str, int]]:
    """Severity and number of hits of a table, by pattern."""
    sheet = scan.Sheet(None)
    sheet.feed(rows)
    return {hit.pattern: (hit.severity, hit.hits) for hit in sheet.hits()}


def order_numbers(count: int, seed: int = 7) -> list[str]:
    """Numbers of orders in the form of identity numbers, their last digit by chance."""
    chance = random.Random(seed)  # noqa: S311 - examples
    return [
        f"330102{chance.randint(2015, 2025)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
        f"{chance.randint(0, 9999):04}"
        for _ in range(count)
    ]


def id_numbers(count: int, seed: int = 7) -> list[str]:
    chance = random.Random(seed)  # noqa: S311 - examples
    stems = (
        f"330102{chance.randint(1950, 2005)}{chance.randint(1, 12):02}{chance.randint(1, 28):02}"
        f"{chance.randint(0, 999):03}"
        for _ in range(count)
    )
    return [stem + scan_patterns.id_check_character(stem) for stem in stems]


# --- checks ---------------------------------------------------------------------------------------


def test_check_digits_agree_with_the_library_of_standard_numbers() -> None:
    chance = random.Random(1)  # noqa: S311 - examples
    for number in id_numbers(200):
        assert ric.calc_check_digit(number) == scan_patterns.id_check_character(number[:17])
    for _ in range(500):
        digits = "".join(chance.choices("0123456789", k=chance.randint(13, 19)))
        assert scan_patterns.passes_luhn(digits) == luhn.is_valid(digits)


@pytest.mark.parametrize(
    "number", ["330102199002300119", "330102199013010110", "33010219900307011"]
)
def test_a_day_that_never_was_is_no_birthday(number: str) -> None:
    assert not scan_patterns.is_id_shaped(number)


# --- one text -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pattern", "value"),
    [
        (f"张三 {PERSON} 已领取", "id18", PERSON),
        (f"身份证号码：{PERSON}", "id18", PERSON),
        ("110105 19491231 002X", "id18", WITH_X),
        ("110105-1949-1231-002x", "id18", WITH_X),
        ("１１０１０５１９４９１２３１００２Ｘ", "id18", WITH_X),
        ("1101 0519 4912 3100 2Ⅹ", "id18", WITH_X),
        ("11010519491231\u200b002\u200bX", "id18", WITH_X),
        ("11010519491231002×", "id18", WITH_X),
        (f"学籍号G{PERSON}", "id_embed", PERSON),
        (f"残疾人证号{PERSON}41", "id_embed", f"{PERSON}41"),
        (f"残疾人证号{WITH_X}41", "id_embed", f"{WITH_X}41"),
        (MOBILE, "mobile", MOBILE),
        ("139-0000-2345", "mobile", MOBILE),
        ("139 0000 2345", "mobile", MOBILE),
        ("１３９００００２３４５", "mobile", MOBILE),
        ("1 3 9 0 0 0 0 2 3 4 5", "mobile", MOBILE),
        (f"{MOBILE[:6]}\n{MOBILE[6:]}", "mobile", MOBILE),
        (f"{PERSON[:6]}\r\n{PERSON[6:]}", "id18", PERSON),
        (f"No.{MOBILE}", "mobile", MOBILE),
        ("⾝份证号 11010519491231002X", "id18", WITH_X),
        (f"+86 {MOBILE}", "mobile", MOBILE),
        (f"86{MOBILE}", "mobile", MOBILE),
        (f"2024-01-15 {MOBILE}", "mobile", MOBILE),
        (f"联系电话{MOBILE}李四", "mobile", MOBILE),
        (f"tel{MOBILE}", "mobile", MOBILE),
        (f"{MOBILE}@example.cn", "mobile", MOBILE),
        (f"0571-88880000，{MOBILE}", "mobile", MOBILE),
        ("6222 0212 3456 7890 128", "bankcard", CARD),
        (f"开户行：云州银行，账号{CARD}", "bankcard", CARD),
        ("护照号 E12345678", "passport", "E12345678"),
        ("邮箱zhang.san@qq.com。", "email", "zhang.san@qq.com"),
        ("云A12345", "plate", "云A12345"),
        ("京AD12345", "plate", "京AD12345"),
        ("机密★长期", "secret_mark", "机密★长期"),
        ("秘 密 ★ 5年", "secret_mark", "秘 密 ★ 5年"),
        ("内部资料，注意保存", "internal_mark", "内部资料"),
        ("password=hunter2", "credential", "password=hunter2"),
        ("jdbc:mysql://db/x", "credential", "jdbc:mysql://db/x"),
        ("http://192.168.3.4/a", "private_address", "192.168.3.4"),
        ("军字第001234号", "military", "军字第001234号"),
        ("抗HIV抗体", "sensitive_topic", "HIV"),
    ],
)
def test_a_value_is_found_however_it_is_written(text: str, pattern: str, value: str) -> None:
    assert value in found(text).get(pattern, [])


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("330102199003070112", "id18"),  # its check character is wrong
        (f"a{PERSON}", "id18"),
        (f"9{MOBILE}", "mobile"),
        ("120.13912345678", "mobile"),  # a longitude
        ("13912345678.5", "mobile"),
        ("SN13912345678", "mobile"),
        ("9f13912345678ab", "mobile"),
        ("12912345678", "mobile"),
        ("6222021234567890129", "bankcard"),
        ("110******X", "id18"),
        ("商业秘密", "secret_mark"),
        ("《保守国家秘密法》", "secret_mark"),
        ("1.2.192.168.3.4", "private_address"),
        ("云南省", "plate"),
        ("HIVCX3SEPMJC6", "sensitive_topic"),
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str, pattern: str) -> None:
    assert pattern not in found(text)


# --- columns --------------------------------------------------------------------------------------


def test_a_column_of_order_numbers_of_which_some_pass_by_chance_raises_no_alarm() -> None:
    for seed in range(20):
        numbers = order_numbers(110, seed)
        assert any(scan_checks.are_ids(numbers))
        assert "id18" not in table([["订单编号"], *([one] for one in numbers)])
        assert "id18" not in table([["内容"], *([one] for one in numbers)])


def test_a_column_in_which_most_pass_is_a_column_of_identity_numbers_whatever_its_heading() -> None:
    numbers = id_numbers(60)
    for heading in ("身份证号", "内容", "编号", ""):
        assert table([[heading, "x"], *([one, "y"] for one in numbers)])["id18"] == ("high", 60)


def test_under_a_heading_of_identity_numbers_a_single_one_counts_among_others() -> None:
    rows = [["证件号码"], [PERSON], *([one] for one in order_numbers(40, 3))]
    assert table(rows)["id18"][0] == "high"


@pytest.mark.parametrize("others", [0, 3, 500])
def test_a_single_identity_number_in_a_sentence_is_found(others: int) -> None:
    rows = [["备注"], [f"张三 {PERSON} 已领取补贴"], *(["材料齐全"] for _ in range(others))]
    assert table(rows)["id18"] == ("high", 1)


def test_a_number_that_a_word_calls_an_order_is_none() -> None:
    passing = next(one for one in order_numbers(100) if scan_checks.are_ids([one])[0])
    assert "id18" not in table([["备注"], [f"订单号{passing}已发货"]])
    assert "id18" in table([["备注"], [f"订单持有人身份证号{passing}"]])


def test_bank_cards_are_believed_by_their_column_or_a_word() -> None:
    chance = random.Random(5)  # noqa: S311 - examples
    cards, others = [], []
    while len(cards) < 30 or len(others) < 30:
        number = "62" + "".join(chance.choices("0123456789", k=17))
        (cards if luhn.is_valid(number) else others).append(number)
    assert table([["号"], *([one] for one in cards[:30])])["bankcard"] == ("high", 30)
    mixed = [*others[:28], *cards[:3]]
    assert "bankcard" not in table([["流水号"], *([one] for one in mixed)])
    assert table([["银行卡号"], *([one] for one in mixed)])["bankcard"] == ("high", 3)


def test_numbers_of_devices_are_no_cards_though_some_have_their_form() -> None:
    chance = random.Random(11)  # noqa: S311 - examples
    devices = []
    while len(devices) < 300:
        number = "".join(chance.choices("0123456789", k=15))
        devices.append(number + luhn.calc_check_digit(number))
    assert sum(map(scan_patterns.is_card_shaped, devices)) > 20
    assert "bankcard" not in table([["采样"], *([one] for one in devices)])
    assert table([["银行卡号"], *([one] for one in devices)])["bankcard"][0] == "high"
    visa = [one for one in devices if scan_patterns.is_card_shaped(one) and one[0] == "4"]
    assert table([["采样"], *([one] for one in visa)])["bankcard"] == ("high", len(visa))


def test_radicals_that_a_pdf_writes_for_characters_are_the_words_that_they_show() -> None:
    lines = scan.Lines("text")
    lines.feed([f"⾝份证号 {number}" for number in id_numbers(1)] + order_numbers(40, 3))
    assert [(hit.pattern, hit.hits) for hit in lines.hits()] == [("id18", 1)]


def test_a_number_with_a_check_is_found_over_the_end_of_a_line() -> None:
    lines = scan.Lines("text")
    lines.feed(["证件 110105", "19491231002X 张三", "合计 1390000", "2345 元"])
    assert [(hit.pattern, hit.places[0].row) for hit in lines.hits()] == [("id18", 2)]
    lines.feed([f"账户 {CARD[:8]}"])
    lines.feed([CARD[8:]])
    assert {hit.pattern for hit in lines.hits()} == {"id18", "bankcard"}


def test_mail_of_a_person_is_a_warning_and_that_of_an_office_a_note() -> None:
    assert table([["邮箱"], ["zhang@163.com"]])["email"] == ("med", 1)
    assert table([["邮箱"], ["office@yunze.example.cn"]])["email"] == ("info", 1)


def test_fifteen_digits_are_an_old_identity_number_unless_a_word_says_card() -> None:
    both = next(
        number
        for day in range(1, 29)
        for end in range(100, 999)
        if luhn.is_valid(number := f"37010270{1:02}{day:02}{end}")
    )
    assert table([["身份证号"], [both]])["id15"] == ("med", 1)
    assert table([["银行卡号"], [both]])["bankcard"] == ("high", 1)
    assert table([["设备编号"], [both]]) == {}


def test_a_card_is_not_found_in_the_middle_of_a_longer_number_in_groups() -> None:
    longer = "8986 6222 0212 3456 7890 128"
    assert "bankcard" not in found(longer)
    assert found(f"2024-01-05 {longer[5:]}")["bankcard"] == [CARD]


def test_a_heading_with_a_number_in_it_is_a_heading_all_the_same() -> None:
    homes = [[f"张{n}", f"云州市东湖区人民路{n}号{n}室"] for n in range(1, 9)]
    assert table([[f"户主（张三{MOBILE}）", "家庭住址"], *homes])["name_address"] == ("high", 8)


def test_eleven_digits_by_chance_are_no_mobile_numbers() -> None:
    chance = random.Random(9)  # noqa: S311 - examples
    numbers = [str(chance.randint(10**10, 10**11 - 1)) for _ in range(300)]
    assert any(number[:2] in scan_patterns.MOBILE_BEGINNINGS for number in numbers)
    assert "mobile" not in table([["采样值"], *([one] for one in numbers)])
    assert table([["联系电话"], *([one] for one in numbers)])["mobile"][0] == "high"
    assert table([["采样值"], [MOBILE]])["mobile"] == ("high", 1)


def test_names_with_home_addresses_are_grave_and_seats_of_companies_are_not() -> None:
    homes = [[f"张{n}", f"云州市东湖区人民路{n}号{n}室"] for n in range(1, 9)]
    assert table([["姓名", "家庭住址"], *homes])["name_address"] == ("high", 8)
    assert "name_address" not in table([["企业名称", "注册地址"], *homes])


def test_a_sensitive_topic_is_grave_where_people_are_named() -> None:
    rows = [["姓名", "残疾等级"], ["张三", "二级"]]
    assert table(rows)["sensitive_topic"][0] == "high"
    assert table([["街道", "残疾等级"], ["东湖街道", "12"]])["sensitive_topic"][0] == "info"


def test_a_classification_alone_on_a_line_counts_at_the_top() -> None:
    lines = scan.Lines("body")
    lines.feed(["", "机 密", "关于某事项的通知"])
    assert [(hit.pattern, hit.severity) for hit in lines.hits()] == [("secret_mark", "critical")]
    below = scan.Lines("body")
    below.feed(["一", "二", "三", "四", "五", "六", "机密"])
    assert below.hits() == []


def test_hits_tell_row_and_cell_and_are_counted_to_the_last() -> None:
    sheet = scan.Sheet("名单")
    sheet.feed([["姓名", "身份证号"]])
    numbers = id_numbers(200)
    for start in range(0, 200, 50):
        sheet.feed([["张三", one] for one in numbers[start : start + 50]])
    (hit,) = sheet.hits()
    assert (hit.sheet, hit.column_no, hit.column_name, hit.hits) == ("名单", 1, "身份证号", 200)
    assert (hit.places[0].row, hit.places[0].cell) == (2, "B2")
    assert len(hit.places) == scan.CELLS_KEPT


# --- what is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (scan_text.mask_id, WITH_X, "110**************X"),
        (scan_text.mask_mobile, MOBILE, "139****2345"),
        (scan_text.mask_mobile, f"86{MOBILE}", "139****2345"),
        (scan_text.mask_landline, "010-65120001", "010-****0001"),
        (scan_text.mask_landline, "01065120001", "010****0001"),
        (scan_text.mask_landline, "0571 85120001", "0571 ****0001"),
        (scan_text.mask_landline, "07558512345", "0755****2345"),
        (scan_text.mask_card, CARD, "***************0128"),
        (scan_text.mask_name, "张三丰", "张**"),
        (scan_text.mask_name, "张三", "张*"),
        (scan_text.mask_secret, "password: hunter2", "password:***"),
        (scan_text.mask_address, "云州市东湖区人民路3号", "云州市***"),
        (scan_text.mask_code, "12", "**"),
        (scan_text.mask_email, "zhang.san@qq.com", "z***@qq.com"),
    ],
)
def test_values_are_shown_masked(mask: object, value: str, shown: str) -> None:
    assert callable(mask)
    assert mask(value) == shown


def test_no_value_leaves_the_scan_unmasked() -> None:
    secrets = (PERSON, MOBILE, CARD, "E12345678", "hunter2")
    heading = f"名单 {MOBILE}"
    sheet = scan.Sheet(f"表 {PERSON}")
    sheet.feed(
        [[heading], [f"身份证{PERSON}"], [MOBILE], [f"卡号{CARD}"], ["护照E12345678"],
         ["password=hunter2"]]
    )  # fmt: skip
    hits = sheet.hits()
    assert len(hits) == 5
    for secret in secrets:
        assert secret not in repr(hits)


@pytest.mark.parametrize(
    ("headings", "declared", "is_foreign"),
    [
        (["姓名", "科室"], ["名称", "name"], True),
        (["名称", "科室"], ["名称"], False),
        (["名 称（中文）", "科室"], ["名称"], False),
        (["ＮＡＭＥ"], ["名称", "name"], False),
        ([], ["名称"], False),  # a file without headings says nothing
        (["姓名"], [], False),  # nor does a dataset without data items
        (["", "（元）"], ["名称"], False),
    ],
)
def test_a_file_is_foreign_when_none_of_its_headings_is_declared(
    headings: list[str], declared: list[str], is_foreign: bool
) -> None:
    assert scan.shares_none(headings, declared) is is_foreign
