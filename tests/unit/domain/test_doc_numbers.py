"""Document numbers: every writing seen folds into one form, and what is none stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckanext.govopen.domain.doc_numbers import (
    DocNumber,
    NumberKind,
    cited,
    is_none,
    normalised,
    parse,
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("中办发﹝2016﹞8号", "中办发〔2016〕8号"),
        ("京人社办发﹝2016﹞179号", "京人社办发〔2016〕179号"),
        ("财综[2004]21号", "财综〔2004〕21号"),
        ("云政办发(2026)03号", "云政办发〔2026〕3号"),
        ("临政办发〔2016〕22 号", "临政办发〔2016〕22号"),
        ("津政办函〔2017〕72号", "津政办函〔2017〕72号"),
        ("云建规［２０２５］２号", "云建规〔2025〕2号"),
        ("云建规【2025】2号", "云建规〔2025〕2号"),
        ("云建规（2025）第2号", "云建规〔2025〕2号"),
        ("云建规〈2025〉2号", "云建规〔2025〕2号"),
        ("云建规〔2025年〕2", "云建规〔2025〕2号"),
        ("云建许准〔2026〕第31号", "云建许准〔2026〕31号"),
        ("杨管规〔2012〕001-3号", "杨管规〔2012〕1-3号"),
        ("国务院令第711号", "国务院令第711号"),
        ("国务院令 第 711 号", "国务院令第711号"),
        ("住房和城乡建设部令第11号", "住房和城乡建设部令第11号"),
        ("上海市人民政府令(2019年)第21号", "上海市人民政府令(2019年)第21号"),
        ("上海市人民政府令（2019）第21号", "上海市人民政府令(2019年)第21号"),
        ("2026年第5号", "2026年第5号"),
        ("财政部公告2026年第5号", "财政部公告2026年第5号"),
    ],
)
def test_a_number_gets_the_one_form(written: str, canonical: str) -> None:
    assert normalised(written) == canonical


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("上海市人民政府令(2019年)第21号", NumberKind.ORDER),
        ("财政部公告2026年第5号", NumberKind.ANNOUNCEMENT),
        ("国办发〔2019〕54号", NumberKind.STANDARD),
    ],
)
def test_an_order_is_tried_before_a_standard_number(written: str, kind: NumberKind) -> None:
    found = parse(written)
    assert found is not None
    assert found.kind is kind


@pytest.mark.parametrize(
    "written",
    [
        "",
        "无",
        "各级政府相关文件",
        "〔2016〕8号",
        "中办发〔16〕8号",
        "中办发2016-8",
        "《社会保险法》",
    ],
)
def test_what_follows_no_grammar_stays_as_it_is(written: str) -> None:
    assert parse(written) is None
    assert normalised(f" {written} ") == written


@pytest.mark.parametrize(
    ("written", "is_so"), [("无", True), (" — ", True), ("", True), ("1", False)]
)
def test_a_cell_can_say_that_there_is_no_number(written: str, is_so: bool) -> None:
    assert is_none(written) is is_so


def test_numbers_that_a_text_cites_are_found_in_its_order() -> None:
    text = "《条例》（国务院令第711号）；津政办函〔2017〕72号；国办发[2019]54号。"
    found = list(cited(text))
    assert [number.canonical for _, number in found] == [
        "国务院令第711号",
        "津政办函〔2017〕72号",
        "国办发〔2019〕54号",
    ]
    assert all(writing in text for writing, _ in found)


_NAMES = st.text(alphabet="京津沪渝云建财人社办发函规字办综", min_size=2, max_size=8)


@given(
    org=_NAMES,
    year=st.integers(1949, 2099),
    seq=st.integers(1, 99999),
    sub=st.none() | st.integers(1, 999),
)
def test_a_printed_standard_number_is_read_back(
    org: str, year: int, seq: int, sub: int | None
) -> None:
    number = DocNumber(NumberKind.STANDARD, org, max(year, 1949), seq, sub)
    assert parse(number.canonical) == number


@given(year=st.none() | st.integers(1949, 2099), seq=st.integers(1, 99999))
def test_a_printed_order_is_read_back(year: int | None, seq: int) -> None:
    number = DocNumber(NumberKind.ORDER, "云泽市人民政府", year, seq)
    assert parse(number.canonical) == number
