"""OpenAPI description of the platform's own actions, made from the actions themselves."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from ckanext.govopen.features import collect

VERSION = "3.1.0"
API_VERSION = "1.0.0"
# CKAN's read actions that an application needs first; CKAN documents the others.
CKAN_READS = {
    "package_search": ("Searches datasets.", ("q", "fq", "rows", "start", "sort", "facet.field")),
    "package_show": ("One dataset by id or name.", ("id",)),
    "organization_list": ("Names of the units that publish.", ("all_fields", "limit", "offset")),
    "organization_show": ("One unit by id or name.", ("id",)),
    "datastore_search": (
        "Rows of a table of a dataset; `q` only where the file's `full_text` is not `no`.",
        ("resource_id", "q", "filters", "fields", "sort", "limit", "offset"),
    ),
}
INTEGERS = frozenset({"limit", "rows", "start", "offset", "days"})


def document(site_url: str, title: str) -> dict[str, Any]:
    """The description as OpenAPI 3.1."""
    return {
        "openapi": VERSION,
        "info": {
            "title": title,
            "version": API_VERSION,
            "description": "Every answer is {success, result} or {success, error}.",
        },
        "servers": [{"url": site_url.rstrip("/") + "/api/3/action"}],
        "paths": dict(_paths()),
        "components": {
            "schemas": {"Answer": _ANSWER, "Failure": _FAILURE},
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": "Authorization"}
            },
        },
    }


_ANSWER = {
    "type": "object",
    "required": ["success", "result"],
    "properties": {"help": {"type": "string"}, "success": {"const": True}, "result": {}},
}
_FAILURE = {
    "type": "object",
    "required": ["success", "error"],
    "properties": {
        "success": {"const": False},
        "error": {
            "type": "object",
            "properties": {
                "__type": {"type": "string"},
                "message": {"type": "string"},
                "__govopen": {
                    "type": "object",
                    "properties": {
                        "code": {"type": "string"},
                        "fields": {"type": "array", "items": {"type": "string"}},
                        "hint": {"type": "string"},
                        "ref": {"type": "string"},
                    },
                },
            },
        },
    },
}


def _paths() -> Iterator[tuple[str, Any]]:
    for name, (summary, parameters) in CKAN_READS.items():
        yield f"/{name}", {"get": _read(name, summary, parameters)}
    for name, function in sorted(own_actions().items()):
        summary = first_line(function)
        parameters = parameters_of(function)
        if getattr(function, "side_effect_free", False):
            yield f"/{name}", {"get": _read(name, summary, parameters)}
        else:
            yield f"/{name}", {"post": _write(name, summary, parameters)}


def own_actions() -> dict[str, Callable[..., Any]]:
    """The platform's own actions by name."""
    found = collect("logic.action")
    return {name: function for name, function in found.items() if name.startswith("govopen_")}


def first_line(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").split("\n", 1)[0]


@cache
def parameters_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names that an action accepts: those that its call of `no_unknown` lets pass."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "no_unknown":
            constants = (part.value for part in node.args if isinstance(part, ast.Constant))
            return tuple(str(value) for value in constants)
    return ()


def _read(name: str, summary: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {"name": parameter, "in": "query", "schema": _schema(parameter)}
            for parameter in parameters
        ],
        "responses": _RESPONSES,
    }


def _write(name: str, summary: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: _schema(name) for name in parameters}}
    return {
        "operationId": name,
        "summary": summary,
        "security": [{"token": []}],
        "requestBody": {"content": {"application/json": {"schema": schema}}},
        "responses": _RESPONSES,
    }


def _schema(parameter: str) -> dict[str, Any]:
    return {"type": "integer"} if parameter in INTEGERS else {}


_RESPONSES = {
    "200": {
        "description": "The result",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
    },
    "default": {
        "description": "What was refused, and why",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}},
    },
}


def reads() -> list[dict[str, Any]]:
    """The read actions for the developers' page: name, what it does, what it takes."""
    found = [
        {"name": name, "summary": first_line(function), "parameters": parameters_of(function)}
        for name, function in sorted(own_actions().items())
        if getattr(function, "side_effect_free", False) and _is_public(name)
    ]
    ckan = [
        {"name": name, "summary": summary, "parameters": parameters}
        for name, (summary, parameters) in CKAN_READS.items()
    ]
    return ckan + found


def _is_public(name: str) -> bool:
    """True for an action that needs no account."""
    allowed = collect("logic.auth").get(name)
    return bool(getattr(allowed, "auth_allow_anonymous_access", False))
