"""Findings are raised and said: no code without a text, no text without a check that gives it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from documents import ROOT

PACKAGE = ROOT / "ckanext-govopen" / "ckanext" / "govopen"
CODE = re.compile(r"[a-z_]+\.[EW][0-9]+")
# Lists of codes that are data: what a vocabulary or a rule file names is given by who reads it.
DATA = ("*.yaml", "*.sql")
LANGUAGES = ("zh", "en")
EXAMPLES = {"zh": "例：", "en": "Example"}


@cache
def texts() -> dict[str, dict[str, dict[str, str]]]:
    found: dict[str, dict[str, dict[str, str]]] = {}
    for path in sorted((PACKAGE / "data" / "findings").glob("*.yaml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return {code: entry for code, entry in found.items() if CODE.fullmatch(code)}


def sources() -> Iterator[Path]:
    for folder in (PACKAGE, ROOT / "harvesters"):
        yield from folder.rglob("*.py")


@cache
def raised() -> frozenset[str]:
    """Codes in the texts of our code, its docstrings aside, and in data that a check reads."""
    found = set()
    for path in sources():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set() if id(node) in said else set(CODE.findall(node.value))
    for pattern in DATA:
        for path in PACKAGE.rglob(pattern):
            if path.parent.name != "findings":
                found |= set(CODE.findall(path.read_text(encoding="utf-8")))
    return frozenset(found)


def test_every_finding_that_is_raised_has_a_text() -> None:
    features = {code.partition(".")[0] for code in texts()}
    ours = {code for code in raised() if code.partition(".")[0] in features}
    assert sorted(ours - texts().keys()) == []


def test_every_text_of_a_finding_is_that_of_a_check() -> None:
    assert sorted(texts().keys() - raised()) == []


@pytest.mark.parametrize("feature", ["register_fields", "registers"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_finding_of_a_list_ends_with_an_example_of_right(feature: str, lang: str) -> None:
    path = PACKAGE / "data" / "findings" / f"{feature}.yaml"
    said = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [code for code, one in said.items() if EXAMPLES[lang] not in one["text"][lang]] == []
