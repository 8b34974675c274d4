"""Helpers of the templates, all named `govopen_*`: they compute, templates hold the words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from babel import Locale
from flask import request

import ckan.plugins.toolkit as tk

from ckanext.govopen import clock

_HELPERS: dict[str, Callable[..., Any]] = {}


def helper(function: Callable[..., Any]) -> Callable[..., Any]:
    """Offers a function to templates as `h.govopen_<name>`."""
    _HELPERS[f"govopen_{function.__name__}"] = function
    return function


def all_helpers() -> dict[str, Callable[..., Any]]:
    return dict(_HELPERS)


@helper
def is_chinese() -> bool:
    return bool(tk.h.lang().startswith("zh"))


@helper
def label(term: Mapping[str, Any] | None) -> str:
    """The text of a label `{zh, en}` in the reader's language."""
    if not term:
        return ""
    return str(term["zh"] if is_chinese() else term["en"])


@helper
def site_note() -> dict[str, Any] | None:
    """Business date of a demo or test database; None on a real one."""
    return {"today": clock.today().isoformat()} if clock.is_settable() else None


@helper
def locales() -> list[dict[str, Any]]:
    """The languages offered, each by its own name, with this page in it."""
    current = tk.h.lang()
    found = []
    for code in tk.config["ckan.locales_offered"]:
        locale = Locale.parse(code)
        found.append(
            {
                "code": code,
                "tag": code.replace("_", "-"),
                "name": (locale.languages[locale.language]).capitalize(),
                "url": tk.h.url_for(tk.h.current_url(), locale=code),
                "is_current": code == current,
            }
        )
    return found


@helper
def navigation() -> list[dict[str, Any]]:
    """The entries of the main navigation, with the one of this page marked."""
    entries = [
        ("/dataset/", tk._("Datasets")),
        ("/organization/", tk._("Units")),
        ("/registers", tk._("Registers")),
        ("/rates", tk._("Opening rates")),
        ("/developers", tk._("Developers")),
    ]
    if tk.current_user.is_authenticated:
        entries.append(("/workbench", tk._("Workbench")))
    path = request.path
    return [
        {"url": tk.h.url_for(url), "name": name, "is_current": path.startswith(url.rstrip("/"))}
        for url, name in entries
    ]


def facets(found: dict[str, Any]) -> dict[str, Any]:
    return found
