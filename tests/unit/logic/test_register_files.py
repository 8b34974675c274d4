"""The types of registers that are shipped, and one that somebody adds as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
import yaml
from openpyxl import load_workbook

import ckanext.govopen.logic as product
from ckanext.govopen.domain.intake_header import fold
from ckanext.govopen.domain.register_rows import read_row
from ckanext.govopen.domain.register_types import (
    KINDS,
    RegisterType,
    TypeFileError,
    check_fields,
    missing_fields,
)
from ckanext.govopen.domain.register_values import Words
from ckanext.govopen.logic import register_files
from ckanext.govopen.logic.findings import texts
from ckanext.govopen.logic.intake import read_table
from ckanext.govopen.logic.register_types import register_types, types_in
from ckanext.govopen.logic.vocab import vocabularies, vocabulary

DATA = Path(product.__file__).parents[1] / "data"
FILES = sorted((DATA / "registers").glob("*.yaml"))
# Every type but the inventory, its projection and the standard catalogue.
WITH_FILE = {
    "power_list", "responsibility_list", "licensing_list", "public_service_list", "fee_list",
    "inspection_list", "intermediary_list", "disclosure_negative_list",
    "basic_disclosure_catalogue", "major_decision_list", "access_restriction_list",
    "discretion_baseline", "sgs_catalogue", "blackwhite_list", "qualification_list",
    "internal_rule_list", "participation_list", "special_duty_list", "fee_site_list",
}  # fmt: skip
NEW_TYPE = """
code: street_tree_list
order: 90
zh: 行道树清单
en: Street trees
authority_role: register_authority
code_pattern: 'T-\\d{4}'
fields:
  - {name: species, zh: 树种, en: Species, required: active, identity: true}
  - {name: planted_on, zh: 栽植日期, en: Planted on, kind: date}
  - {name: district, zh: 区县, en: District, kind: code, vocabulary: unit_level}
"""


def validator() -> Any:
    schema = json.loads((DATA / "schema" / "register_type.json").read_text(encoding="utf-8"))
    return fastjsonschema.compile(schema)


def types() -> list[RegisterType]:
    return list(register_types().values())


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    (tmp_path / "street_tree_list.yaml").write_text(NEW_TYPE, encoding="utf-8")
    return tmp_path


def test_every_type_of_the_model_has_a_file_or_code_of_its_own() -> None:
    assert register_types().keys() >= WITH_FILE
    known = set(vocabulary("register_type").codes)
    assert known == {*register_types(), "data_inventory", "open_data_list", "disclosure_standard"}


def test_types_stand_in_the_order_of_the_model_and_no_number_twice() -> None:
    numbers = [one.order for one in types()]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_has_the_form_of_the_schema(path: Path) -> None:
    validator()(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_the_schema_knows_the_kinds_that_the_code_knows() -> None:
    schema = json.loads((DATA / "schema" / "register_type.json").read_text(encoding="utf-8"))
    assert set(schema["definitions"]["field"]["properties"]["kind"]["enum"]) == KINDS


def test_shared_groups_have_the_form_of_fields() -> None:
    shared = yaml.safe_load((DATA / "register_fields.yaml").read_text(encoding="utf-8"))
    for name, fields in shared.items():
        one = {"code": name, "order": 1, "zh": "组", "en": "Group", "fields": fields}
        validator()({**one, "authority_role": "register_authority"})


@pytest.mark.parametrize("kind", types(), ids=lambda kind: kind.code)
def test_no_two_fields_of_a_type_are_written_alike(kind: RegisterType) -> None:
    owner: dict[str, str] = {}
    for field in kind.fields.values():
        for writing in {fold(text) for text in (field.zh, field.en, *field.aliases, *field.exact)}:
            assert owner.setdefault(writing, field.name) == field.name, writing


@pytest.mark.parametrize("kind", types(), ids=lambda kind: kind.code)
def test_every_field_is_written_in_simplified_traditional_and_english(kind: RegisterType) -> None:
    for field in kind.fields.values():
        writings = [field.zh, *field.aliases, *field.exact]
        assert any(not text.isascii() for text in writings), field.name
        assert any(text.isascii() for text in (*writings, field.en)), field.name
        assert len({fold(text) for text in writings}) > 1, f"{field.name} has no other writing"


@pytest.mark.parametrize("kind", types(), ids=lambda kind: kind.code)
def test_every_vocabulary_and_every_code_of_a_check_is_there(kind: RegisterType) -> None:
    for field in kind.fields.values():
        for one in (field, *field.columns):
            assert one.vocabulary is None or one.vocabulary in vocabularies()
    empty = check_fields(kind, {}, vocabularies()) + missing_fields(kind, {})
    assert {"registers.E30"} <= {finding.code for finding in empty} <= texts().keys()


@pytest.mark.parametrize("name", sorted({
    one.vocabulary for kind in types() for field in kind.fields.values()
    for one in (field, *field.columns) if one.vocabulary
}))  # fmt: skip
def test_each_label_of_a_vocabulary_leads_back_to_its_code(name: str) -> None:
    for term in vocabulary(name):
        assert vocabulary(name).code_of(term.zh) == vocabulary(name).code_of(term.en) == term.code


def test_a_new_type_is_a_file_and_nothing_else(own_folder: Path) -> None:
    kind = types_in(DATA / "registers", own_folder)["street_tree_list"]
    assert [name for name in kind.fields if name != "remarks"] == [
        "name", "species", "planted_on", "district", "parent_code", "legal_basis",
    ]  # fmt: skip
    good = {"name": "银杏大道", "species": "银杏", "planted_on": "2024-03-12", "district": "city"}
    assert check_fields(kind, good, vocabularies()) == []
    assert missing_fields(kind, good) == []
    bad = {**good, "planted_on": "2024-02-30", "district": "planet"}
    codes = [finding.code for finding in check_fields(kind, bad, vocabularies())]
    assert codes == ["date.E1", "vocab.E1"]


def test_a_new_type_has_a_workbook_and_files_that_read_back(own_folder: Path) -> None:
    kind = types_in(DATA / "registers", own_folder)["street_tree_list"]
    fields = {"name": "银杏大道", "species": "银杏", "planted_on": "2024-03-12", "district": "city"}
    entries = [{"entry_code": "T-0001", "fields": fields}]
    for ending in (".csv", ".xlsx", ".json"):
        path = own_folder / f"trees{ending}"
        path.write_bytes(register_files.whole(kind, path, entries))
        (row,) = read_table(path, aliases=register_files.headings(kind)).rows
        reading = read_row(kind, row.values, row.cells, Words(vocabularies()))
        assert (reading.entry_code, reading.fields) == ("T-0001", fields)
    headings = load_workbook(register_files.template(kind)).active[1]
    assert [cell.value for cell in headings][:4] == ["条目编码", "事项名称", "树种", "栽植日期"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"code": "Street"}, "no name of a type"),
        ({"code": "street"}, "holds the type"),
        ({"colour": "green"}, "unknown key colour"),
        ({"rules": ["guess"]}, "no rule guess"),
        ({"key_field": "height"}, "key_field 'height'"),
        ({"groups": ["birds"]}, "no group 'birds'"),
        ({"code_pattern": "("}, "unterminated"),
        ({"fields": [{"name": "x", "zh": "甲"}]}, "'en'"),
        ({"fields": [{"name": "x", "zh": "甲", "en": "X", "kind": "colour"}]}, "'colour'"),
        ({"fields": [{"name": "x", "zh": "甲", "en": "X", "kind": "code"}]}, "needs vocabulary"),
        ({"fields": [{"name": "x", "zh": "甲", "en": "X", "kind": "table"}]}, "needs columns"),
        (
            {"fields": [{"name": "x", "zh": "甲", "en": "X", "kind": "code", "vocabulary": "no"}]},
            "no vocabulary 'no'",
        ),
        (
            {
                "fields": [
                    {"name": "x", "zh": "甲", "en": "X", "kind": "entry_ref", "ref_types": ["no"]}
                ]
            },
            "refers to ['no']",
        ),
        ({"fields": [{"name": "x", "zh": "甲", "en": "X"}] * 2}, "stands twice"),
    ],
)
def test_a_file_that_says_nonsense_is_refused_by_the_name_of_its_key(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    content = {**yaml.safe_load(NEW_TYPE), **change}
    (tmp_path / "street_tree_list.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(TypeFileError) as refusal:
        types_in(tmp_path)
    assert said in str(refusal.value)
    assert "street_tree_list" in str(refusal.value)


def test_a_type_of_ones_own_does_not_take_the_place_of_a_shipped_one(tmp_path: Path) -> None:
    content = {**yaml.safe_load(NEW_TYPE), "code": "power_list"}
    (tmp_path / "power_list.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(TypeFileError, match="already"):
        types_in(DATA / "registers", tmp_path)
