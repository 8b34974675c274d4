"""The surfaces of the application as it runs, and what `leak_matrix.yml` says of each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from flask import Flask

import ckan
import ckan.logic

MATRIX = Path(__file__).parents[2] / "leak_matrix.yml"
SOURCES = Path(__file__).parents[3] / "ckanext-govopen" / "ckanext" / "govopen"


@dataclass(frozen=True)
class Surface:
    """One line of the matrix."""

    name: str
    family: str | None
    call: dict[str, Any] = field(default_factory=dict)
    ask: tuple[str, ...] = ()
    exempt: str | None = None


class _EachOnce(yaml.SafeLoader):
    """A loader to which a key that stands twice is an error: the later line would hide the first."""


def _once(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"twice in {MATRIX.name}, from line {node.start_mark.line + 1}: {twice}")
    return loader.construct_mapping(node, deep=True)


_EachOnce.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _once)


@cache
def matrix() -> dict[str, Any]:
    return read(MATRIX.read_text(encoding="utf-8"))


def read(text: str) -> dict[str, Any]:
    """The matrix in a text; a key that stands twice is refused."""
    found: dict[str, Any] = yaml.load(text, _EachOnce)  # noqa: S506  (a safe loader's child)
    return found


def lines(section: str) -> dict[str, Surface]:
    """The lines of one section, `actions` or `routes`."""
    return {
        name: Surface(
            name,
            line.get("family"),
            line.get("call") or {},
            tuple(line.get("ask") or ()),
            line.get("exempt"),
        )
        for name, line in matrix()[section].items()
    }


def of_family(section: str, *families: str) -> list[Surface]:
    return [surface for surface in lines(section).values() if surface.family in families]


def actions(application: Flask) -> dict[str, bool]:
    """Every action of every plugin; true where a GET may call it."""
    with application.test_request_context("/"):
        ckan.logic.get_action("package_show")  # the first call collects them
        return {
            name: bool(getattr(action, "side_effect_free", False))
            for name, action in ckan.logic._actions.items()
        }


def rules(application: Flask) -> dict[str, frozenset[str]]:
    """Every rule of the address map with the methods that it takes."""
    found: dict[str, frozenset[str]] = {}
    for rule in application.url_map.iter_rules():
        methods = frozenset(rule.methods or ()) - {"HEAD", "OPTIONS"}
        found[rule.rule] = found.get(rule.rule, frozenset()) | methods
    return found


def free_readers() -> dict[str, list[str]]:
    """Functions whose source names `ignore_auth`, by module: ours, and those of CKAN's that show.

    CKAN's actions and validators are judged by what the matrix sees of them; its helpers and views
    put what they read straight into a page.
    """
    core = Path(ckan.__file__).parent
    found = {}
    for root, paths in (
        (SOURCES, sorted(SOURCES.rglob("*.py"))),
        (core, [core / "lib" / "helpers.py", *sorted((core / "views").rglob("*.py"))]),
    ):
        for path in paths:
            names = list(_reading_freely(ast.parse(path.read_text(encoding="utf-8"))))
            if names:
                found[f"{root.name}/{path.relative_to(root)}"] = names
    return found


def _reading_freely(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(_names_ignore_auth, ast.walk(node))):
            yield node.name


def _names_ignore_auth(node: ast.AST) -> bool:
    return (isinstance(node, ast.Constant) and node.value == "ignore_auth") or (
        isinstance(node, ast.keyword) and node.arg == "ignore_auth"
    )
