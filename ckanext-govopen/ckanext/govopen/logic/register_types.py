"""The register types of `data/registers` and of the operator's own folder, read once.

A type is a file: whoever needs a new list adds one, here or in the folder that
`ckanext.govopen.register_types_path` names, and pages, import, export and checks know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ckanext.govopen import config, data_files
from ckanext.govopen.domain.register_types import Field, RegisterType, TypeFileError, read_type

# Types whose entries are described elsewhere: by the inventory's own rules and the standard's.
WITH_OWN_CODE = ("data_inventory", "disclosure_standard")
_DATA = Path(__file__).parents[1] / "data"


def register_types() -> Mapping[str, RegisterType]:
    """Every type by its code, in the order of its number.

    The data inventory and its projection, the list of open data, are not among them: the inventory
    keeps fields and checks of its own.

    Raises:
        TypeFileError: a file does not say what a type needs; the text names file and key.
    """
    own = config.register_types_path()
    return types_in(*(folder for folder in (_DATA / "registers", own) if folder is not None))


def register_type(code: str) -> RegisterType:
    """One type.

    Raises:
        KeyError: there is none of this code.
    """
    return register_types()[code]


@cache
def types_in(*folders: Path) -> Mapping[str, RegisterType]:
    """The types of some folders; none of them may hold a code that another has."""
    shared = _read(_DATA / "register_fields.yaml")
    found: dict[str, RegisterType] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            one = _type(path, shared)
            if one.code in found:
                raise TypeFileError(f"{path}: there is a type {one.code!r} already")
            found[one.code] = one
    _check_references(found)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[1].order)))


def _type(path: Path, shared: Mapping[str, Any]) -> RegisterType:
    try:
        one = read_type(_read(path), shared)
    except TypeFileError as error:
        raise TypeFileError(f"{path}: {error}") from error
    if one.code != path.stem:
        raise TypeFileError(f"{path}: the file holds the type {one.code!r}")
    for item in one.fields.values():
        for name in _vocabularies(item):
            if not (_DATA / "vocab" / f"{name}.yaml").is_file():
                raise TypeFileError(f"{path}: {item.name}: there is no vocabulary {name!r}")
    return one


def _vocabularies(item: Field) -> list[str]:
    return [one.vocabulary for one in (item, *item.columns) if one.vocabulary]


def _check_references(found: Mapping[str, RegisterType]) -> None:
    known = {*found, *WITH_OWN_CODE}
    for one in found.values():
        for item in one.fields.values():
            if unknown := set(item.ref_types) - known:
                raise TypeFileError(f"{one.code}: {item.name} refers to {sorted(unknown)}")


def _read(path: Path) -> Any:
    try:
        return data_files.read(path)
    except yaml.YAMLError as error:
        raise TypeFileError(f"{path}: {error}") from error
