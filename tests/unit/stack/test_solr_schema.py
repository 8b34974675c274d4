"""The schema transform, applied to the schema of the installed CKAN."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path

import pytest

from stack.solr_schema import DOC_VALUES, NOT_TEXT, transform


@pytest.fixture(scope="module")
def ckan_schema() -> str:
    spec = find_spec("ckan")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(next(iter(spec.submodule_search_locations)))
    return (folder / "config" / "solr" / "schema.xml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chinese(ckan_schema: str) -> ET.Element:
    return ET.fromstring(transform(ckan_schema))  # noqa: S314


def copies(root: ET.Element, dest: str) -> set[str]:
    return {c.get("source", "") for c in root.iter("copyField") if c.get("dest") == dest}


def fields(root: ET.Element) -> dict[str, dict[str, str]]:
    found = [*root.iter("field"), *root.iter("dynamicField")]
    return {field.get("name", ""): dict(field.attrib) for field in found}


def test_applied_to_its_own_result_the_transform_changes_nothing(ckan_schema: str) -> None:
    once = transform(ckan_schema)
    assert transform(once) == once


@pytest.mark.parametrize("view", ["text_uni", "text_word"])
def test_every_text_source_of_ckan_reaches_every_view(
    ckan_schema: str, chinese: ET.Element, view: str
) -> None:
    sources = copies(ET.fromstring(ckan_schema), "text") - NOT_TEXT  # noqa: S314
    assert len(sources) > 10
    assert sources <= copies(chinese, "text")
    assert sources <= copies(chinese, view)
    assert "org_title" in copies(chinese, view) & copies(chinese, "text")


def test_no_address_reaches_the_single_character_and_word_views(chinese: ET.Element) -> None:
    assert "urls" not in copies(chinese, "text_uni") | copies(chinese, "text_word")


def test_no_field_keeps_an_english_only_type(chinese: ET.Element) -> None:
    assert {f["type"] for f in fields(chinese).values()} & {"text", "text_general"} == set()


def test_fields_for_facets_and_sorting_have_doc_values_and_the_stored_copy_has_none(
    chinese: ET.Element,
) -> None:
    known = fields(chinese)
    assert {n for n in DOC_VALUES if known[n].get("docValues") != "true"} == set()
    assert "docValues" not in known["data_dict"]


def test_the_version_field_is_a_number_as_a_cluster_needs_it(chinese: ET.Element) -> None:
    version = fields(chinese)["_version_"]
    assert (version["type"], version["indexed"], version["docValues"]) == ("plong", "false", "true")


def test_new_fields_stand_before_the_first_dynamic_field(chinese: ET.Element) -> None:
    section = chinese.find("fields")
    assert section is not None
    tags = [element.tag for element in section]
    assert "field" not in tags[tags.index("dynamicField") :]


def test_every_field_has_a_declared_type_and_no_name_twice(chinese: ET.Element) -> None:
    types = [t.get("name") for t in chinese.iter() if t.tag.lower() == "fieldtype"]
    names = [f.get("name") for f in [*chinese.iter("field"), *chinese.iter("dynamicField")]]
    assert len(types) == len(set(types))
    assert len(names) == len(set(names))
    assert {f["type"] for f in fields(chinese).values()} <= set(types)


def test_a_schema_of_another_ckan_is_refused_by_name(ckan_schema: str) -> None:
    with pytest.raises(ValueError, match=r"ckan-2\.13"):
        transform(ckan_schema.replace("ckan-2.12", "ckan-2.13"))
