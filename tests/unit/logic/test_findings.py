"""Every code has its texts in both languages, and vocabularies fold what offices write."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import ckanext.govopen.logic as product
from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.logic.findings import describe, render, texts
from ckanext.govopen.logic.vocab import vocabulary

PACKAGE = Path(product.__file__).parents[1]
INTAKE_CODES = [f"intake.E{n}" for n in range(1, 18)] + [f"intake.W{n}" for n in range(1, 8)]
INVENTORY_CODES = [
    f"inventory.{kind}{n}"
    for kind, numbers in (("E", (1, *range(4, 8), *range(11, 20))), ("W", (7, 11, 12)))
    for n in numbers
]


@pytest.mark.parametrize(
    "code", [*INTAKE_CODES, *INVENTORY_CODES, "vocab.E1", "vocab.E2", "date.E1"]
)
def test_a_code_has_a_title_and_a_text_with_rule_in_both_languages(code: str) -> None:
    entry = texts()[code]
    placeholders = [set(re.findall(r"{(\w+)}", entry["text"][lang])) for lang in ("zh", "en")]
    assert placeholders[0] == placeholders[1]
    assert "规则" in entry["text"]["zh"]
    assert "Rule" in entry["text"]["en"]
    assert entry["title"]["zh"]
    assert entry["title"]["en"]


def test_every_code_that_the_intake_raises_has_a_text() -> None:
    sources = [*PACKAGE.glob("domain/intake*.py"), *PACKAGE.glob("logic/intake*.py")]
    code = re.compile(r'"((?:intake|inventory)\.[EW]\d+)"')
    raised = {found for path in sources for found in code.findall(path.read_text())}
    assert raised == {*INTAKE_CODES, "inventory.E19"}
    assert raised <= texts().keys()


def test_a_finding_names_its_place_and_shows_its_facts() -> None:
    finding = Finding(
        "inventory.E12", field="share_type", value="随便", params={"allowed": ["1", "2", "3"]},
        sheet="目录", cell="C7", row=7,
    )  # fmt: skip
    assert render(finding).startswith("工作表“目录”C7 单元格：“共享类型”的取值“随便”不在词表中")
    assert "1、2、3" in render(finding)
    assert render(finding, "en").startswith(
        "Sheet “目录”, cell C7: “随便” is not a value of “Sharing"
    )
    assert describe(finding, "zh_Hans_CN")["title"] == "取值不在词表中"


def test_long_values_are_cut_and_braces_in_values_are_harmless() -> None:
    said = render(Finding("inventory.E19", field="published_on", value="{x}" * 200))
    assert "{x}" * 66 in said
    assert len(said) < 400


def test_a_code_without_a_text_shows_as_itself() -> None:
    assert render(Finding("nothing.E99", value="x")) == "nothing.E99"


READ_FROM_FILES = (
    "update_cycle", "open_type", "share_type", "share_method", "format_category", "format",
    "sensitivity", "secrecy", "data_domain", "item_data_type", "licence", "hidden_ground",
    "data_resource_status", "inventory_field",
)  # fmt: skip


@pytest.mark.parametrize("name", READ_FROM_FILES)
def test_no_writing_of_a_vocabulary_means_two_codes(name: str) -> None:
    owner: dict[str, str] = {}
    for term in vocabulary(name):
        for writing in (term.code, term.zh, term.en, *term.synonyms):
            folded = writing.strip().casefold()
            assert owner.setdefault(folded, term.code) == term.code, writing


@pytest.mark.parametrize(
    ("name", "writing", "code"),
    [
        ("update_cycle", "每季", "quarterly"),
        ("update_cycle", "即時", "realtime"),
        ("update_cycle", "每週", "weekly"),
        ("update_cycle", "不定期", "irregular"),
        ("open_type", "受限开放", "conditional"),
        ("open_type", "禁止开放", "withheld"),
        ("open_type", "非开放", "withheld"),
        ("share_type", "有条件共享", "2"),
        ("sensitivity", "公开", "L1"),
        ("format", "XLS", "xls"),
        ("format", "URL", "link"),
        ("licence", "政府資料開放授權條款－第1版", "cc-by-4.0"),
        ("secrecy", "不涉密", "non_secret"),
        ("hidden_ground", "个人隐私", "g15_privacy"),
    ],
)
def test_writings_of_real_inventories_mean_their_code(name: str, writing: str, code: str) -> None:
    assert vocabulary(name).code_of(writing) == code


def test_the_codes_are_those_of_the_model() -> None:
    assert vocabulary("update_cycle").codes == (
        "realtime", "daily", "weekly", "tendays", "monthly", "quarterly", "halfyear", "yearly",
        "irregular", "static",
    )  # fmt: skip
    assert len(vocabulary("data_domain").codes) == 22
    assert vocabulary("item_data_type").codes == tuple("CNYDTLMGBIF")
    assert vocabulary("data_resource_status").codes == ("draft", "in_review", "active", "retired")


def test_fields_and_kinds_of_settings_are_said_in_words() -> None:
    mended = Finding("harvest.W3", params={"fields": ["title", "update_cycle", "x"]})
    assert render(mended).startswith("数据集名称、更新周期、x 由本平台人员更正")
    assert render(mended, "en").startswith("Title, Update cycle, x were mended")
    option = Finding("harvest.E22", params={"option": "rows", "wanted": "number"})
    assert render(option).endswith("应为 从 0 起的整数。")
    assert "0…1" in render(Finding("harvest.E22", params={"option": "rows", "wanted": "0…1"}))
