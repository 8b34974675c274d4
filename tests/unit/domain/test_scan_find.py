"""The quick way to find values finds what the plain way finds, in cells of any composition."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scan_plain import found as plainly_found
from scan_plain import matches as plain_matches

from ckanext.govopen.domain import scan_checks, scan_find, scan_patterns, scan_text
from ckanext.govopen.domain.units import is_uscc, uscc_check_character


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=count, max_size=count)


@st.composite
def identity_numbers(draw: st.DrawFn) -> str:
    """In their form, the check character right as a rule."""
    region = draw(st.sampled_from(("330102", "810000", "110105", "030102")))
    day = draw(st.sampled_from(("19900307", "19491231", "20001332", "17990101", "20240229")))
    stem = region + day + draw(digits(3))
    check = scan_patterns.id_check_character(stem)
    return stem + draw(st.sampled_from((check, check, check.lower(), "3", "X41", "x")))


@st.composite
def in_groups(draw: st.DrawFn) -> str:
    """A number in groups, as people write it."""
    number = draw(
        st.one_of(
            identity_numbers(),
            st.integers(11, 21).flatmap(digits),
            st.builds("1{}{}".format, st.sampled_from("2359"), digits(9)),
            st.sampled_from(("6222021234567890128", "4111111111111111", "869012345678901")),
        )
    )
    separator = draw(st.sampled_from((" ", "-", "\n", "\u00a0", "—", "   ", "    ", "_")))
    sizes = draw(st.sampled_from(((4, 4, 4, 4, 4), (6, 8, 4), (3, 4, 4), (3, 8), (17, 1), (5, 5))))
    groups = []
    for size in sizes:
        groups.append(number[:size])
        number = number[size:]
    return separator.join(one for one in (*groups, number) if one)


FRAGMENTS = st.one_of(
    identity_numbers(),
    in_groups(),
    st.integers(1, 23).flatmap(digits),
    st.builds("1{}{}".format, st.sampled_from("3579"), digits(9)),
    st.builds("{}{}".format, st.sampled_from(("G", "L", "M", "aG", "1G")), identity_numbers()),
    st.builds(
        "{}1{}{}".format,
        st.sampled_from(("86", "0086", "85", "0", "+86", "+86 ", "0086-", "tel", "SN")),
        st.sampled_from("359"),
        digits(9),
    ),
    st.builds("62{}".format, st.integers(13, 17).flatmap(digits)),
    st.builds("0{}{}{}".format, digits(2), st.sampled_from(("", "-", " ")), digits(8)),
    st.builds("{}.{}".format, st.sampled_from(("10", "12", "192.168", "172.16")), digits(2)),
    st.builds("10.{}.1.{}".format, digits(1), digits(2)),
    st.builds("{}{}".format, st.sampled_from("EGDSPHMCKL"), st.integers(7, 9).flatmap(digits)),
    st.sampled_from((
        "身份证号", "证件号码：", "手机", "联系电话:", "tel", "No.", "卡号", "账号 ", "护照", "学籍号G",
        "残疾人证", "订单", "编号：", "设备号", "备案", "张三", "，", "。", "；", ";", "|", "\n", " ", "  ",
        "\t", "+86", "+", "86", "0086-", "G", "L", "x", "X", "×", "X41", "a", "SN", "'", '="', '"', "（",
        ")", ".", ".5", "/", ":", "京A12345", "云A·1234警", "机密★长期", "秘 密 ☆", "机密", "商业秘密",
        "内部资料", "会签", "诊断", "HIV", "未经批准不得公开", "仅供", "领导参阅", "军字第", "号",
        "zhang_@qq.com", "li.w+1@mail.city.cn", "@", "password=", "SeCret: abc", "jdbc:x", "token",
        "91330100MA2B1CKX1", "913301007042502341", "19216811", "10.1.2.3", "172.31.0.9", "１３９",
        "１１０１０５１９４９１２３１００２Ｘ", "①", "❶", "\u200b", "٣", "\x1e", "\ud800", "ſecret=abcd",
    )),
)  # fmt: skip
CELLS = st.lists(FRAGMENTS, max_size=6).map("".join)


def folded(cells: Sequence[str]) -> list[str]:
    """If one of the cells hides something, all are folded."""
    whole = [cell.replace("\x1e", " ") if "\x1e" in "".join(cells) else cell for cell in cells]
    if all(map(scan_text.is_folded, whole)):
        return whole
    return [scan_text.fold(cell) for cell in whole]


@settings(max_examples=400)
@given(st.lists(CELLS, min_size=1, max_size=6))
@example(["33010219900307011X", "330102199003070110", "330102199003070110 "])
@example(["013900002345", "057112345678", "013900002345x"])
@example([f"{before}11010519491231002X" for before in ("G", "L", "M", "aG", "1G", "学G", "-G")])
@example(
    [f"{before}13900002345" for before in ("86", "85", "0086", "0085", "0", "+86", "tel", "SN")]
)
@example([f"手机{'甲' * number}13900002345{'乙' * number}电话" for number in range(3, 20)])
@example([f"甲{' ' * number}13900002345{' ' * number}乙" for number in (0, 58, 59, 60, 61)])
@example(["12.5 0211234567", "0211234567"])
@example(["1.123456789012345678", "12345678901X2345678901234"])
def test_columns_are_read_as_plainly_as_cell_by_cell(cells: list[str]) -> None:
    expected = [plainly_found(cell) for cell in folded(cells)]
    for _ in range(2):  # once more, when all shapes are known
        found: list[list[scan_find.Match]] = [[] for _ in cells]
        texts, finds = scan_find.found_in(cells)
        for find in finds:
            for index, value in find.values:
                found[index].append(scan_find.Match(*find[:1], value, *find[1:5]))
        assert found == expected
        assert all(texts[at] == text for at, text in enumerate(folded(cells)) if found[at])


@settings(max_examples=200)
@given(CELLS)
def test_no_pattern_matches_where_there_is_no_hint_of_it(cell: str) -> None:
    """A landline alone, of ten digits as no city has them any more, shows none."""
    cell = scan_text.fold(cell)
    if not any(hint.is_open(cell) and hint.expression.search(cell) for hint in scan_patterns.HINTS):
        assert {match.code for match in plain_matches(cell)} <= {"landline"}


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_find, "_SHAPES_KEPT", 50)
    chance = random.Random(5)  # noqa: S311 - examples
    for _ in range(30):
        words = ["".join(chance.choices("甲乙丙丁1a", k=9)) for _ in range(20)]
        cells = [*words, "x" * 300, "13900002345"]
        _, finds = scan_find.found_in(cells)
        assert [find.values for find in finds] == [[(len(cells) - 1, "13900002345")]]
        assert len(scan_find._known) <= 50
        assert max(map(len, scan_find._known)) <= 200


def test_of_texts_full_of_numbers_nothing_is_remembered() -> None:
    """What they have room for is much, and no other text has their shape."""
    chance = random.Random(6)  # noqa: S311 - examples
    cells = [" ".join("7" * chance.randint(1, 5) for _ in range(38)) for _ in range(50)]
    cells += ["，".join([one, *cells[:20], "13900002345"]) for one in cells[:5]]
    before = len(scan_find._known)
    _, finds = scan_find.found_in(cells)
    assert {at for find in finds for at, value in find.values if value == "13900002345"} == {
        *range(50, 55)
    }
    assert len(scan_find._known) == before


@given(st.lists(CELLS, min_size=1, max_size=4))
def test_cells_fold_one_by_one_as_they_do_together(cells: list[str]) -> None:
    text = scan_text.joined(cells)
    whole = text.split(scan_text.END)
    assert scan_text.fold(text).split(scan_text.END) == scan_text.fold_each(whole)


@given(st.lists(identity_numbers(), min_size=1, max_size=5), st.lists(digits(16), max_size=5))
def test_check_digits_of_many_are_those_of_each(texts: list[str], cards: list[str]) -> None:
    values = [text[:18].upper() for text in texts]
    assert scan_checks.are_ids(values) == [
        scan_patterns.id_check_character(value[:17]) == value[17] for value in values
    ]
    assert scan_checks.pass_luhn(cards) == list(map(scan_patterns.passes_luhn, cards))
    codes = [f"9133010{card[:10]}" for card in cards]
    codes = [code + uscc_check_character(code) for code in codes] + [f"{code}0" for code in codes]
    assert scan_checks.are_usccs(codes) == list(map(is_uscc, codes))
    assert scan_checks.are_usccs([]) == []
