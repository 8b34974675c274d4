"""Chinese is complete: each text of ours has a translation, and no template holds one itself."""

from __future__ import annotations

import io
import re
from pathlib import Path

import polib
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "ckanext-govopen" / "ckanext" / "govopen"
CATALOGUE = PACKAGE / "i18n" / "zh_Hans_CN" / "LC_MESSAGES" / "ckanext-govopen.po"
HAN = re.compile("[\u3400-\u9fff]")
PLACE = re.compile(r"\{[^{}]*\}|%\([a-z_]+\)[sd]|%[sdr]")
TEMPLATES = sorted((PACKAGE / "templates").rglob("*.html"))


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def extracted() -> dict[str, str]:
    """Every text of our code and templates, with the file where it stands."""
    mapping = (ROOT / "ckanext-govopen" / "babel.cfg").read_text(encoding="utf-8")
    methods, options = parse_mapping_cfg(io.StringIO(mapping))
    found: dict[str, str] = {}
    for file, _line, text, _comments, _context in extract_from_dir(PACKAGE, methods, options):
        found[text[0] if isinstance(text, tuple) else text] = file
    return found


def translation(entry: polib.POEntry) -> str:
    return entry.msgstr or entry.msgstr_plural.get(0, "")


def test_every_text_of_ours_has_a_chinese_translation(catalogue: polib.POFile) -> None:
    known = {entry.msgid for entry in catalogue if translation(entry)}
    lacking = {text: file for text, file in extracted().items() if text not in known}
    assert lacking == {}


def test_a_translation_keeps_the_places_of_its_text(catalogue: polib.POFile) -> None:
    wrong = [
        entry.msgid
        for entry in catalogue
        if translation(entry)
        and set(PLACE.findall(entry.msgid_plural or entry.msgid))
        != set(PLACE.findall(translation(entry)))
    ]
    assert wrong == []


def test_the_compiled_catalogue_is_the_one_in_words(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    said = {entry.msgid: translation(entry) for entry in catalogue if translation(entry)}
    assert {entry.msgid: translation(entry) for entry in compiled} == said


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_template_holds_no_chinese_of_its_own(template: Path) -> None:
    lines = template.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if HAN.search(line)] == []
