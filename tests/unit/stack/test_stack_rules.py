"""Rules of the stack's own code: the standard library alone, texts in two languages."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from stack import layout, messages
from stack.commands import COMMANDS

SCRIPTS = layout.here().root / "scripts"
MODULES = sorted(p.stem for p in (SCRIPTS / "stack").glob("*.py") if p.stem != "__main__")


@pytest.mark.parametrize("module", MODULES)
def test_every_module_imports_without_any_installed_library(module: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import stack.{module}"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_text_is_complete_in_both_languages_with_the_same_facts() -> None:
    for key in sorted(messages.keys()):
        zh, en = (messages._TEXTS[key][lang] for lang in ("zh", "en"))
        assert zh
        assert en
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key


def test_every_text_that_the_code_names_exists_and_none_is_left_over() -> None:
    named: set[str] = set()
    for path in (SCRIPTS / "stack").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named.add(node.value)
    built = {f"help_{name}" for name in COMMANDS} | {
        f"step_{layer}" for layer in ("libraries", "product", "tests")
    }
    assert messages.keys() <= named | built


def test_no_module_holds_chinese_outside_the_texts() -> None:
    for path in (SCRIPTS / "stack").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        values = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)]
        spoken = [v for v in values if isinstance(v, str) and re.search("[一-鿿]", v)]
        assert spoken == [], path.name


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
    ],
)
def test_the_locale_decides_about_the_language(environ: dict[str, str], expected: str) -> None:
    assert messages.language(environ) == expected


@pytest.mark.parametrize("door", list(COMMANDS))
def test_every_door_shows_its_help_in_both_languages(door: str) -> None:
    done = subprocess.run(
        [str(SCRIPTS / door), "--help"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert re.search("[一-鿿]", done.stdout)
    assert re.search("[a-z]+ [a-z]+ ", done.stdout)


def test_no_registry_is_named_in_the_repository_s_own_set_up() -> None:
    texts = [p.read_text(encoding="utf-8") for p in (SCRIPTS / "stack").iterdir() if p.is_file()]
    assert not re.search(
        "|".join(("pypi" r"\.", "maven" r"\.", "npmjs", "debian" r"\.")), "".join(texts)
    )
    assert Path(SCRIPTS / "start").stat().st_mode & 0o111


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "en_GB.utf8"}, True),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, False),
        ({"LANG": "C"}, False),
        ({}, False),
    ],
)
def test_chinese_is_shown_where_the_locale_promises_that_it_can_be(
    environ: dict[str, str], expected: bool
) -> None:
    assert messages.shows_chinese(environ) is expected
