"""Reads the YAML files that the product ships or is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["read"]

# Every command reads some hundred of them; the reader in C takes a tenth of the time, where the
# library has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Any:
    """The content of a YAML file (UTF-8).

    Raises:
        yaml.YAMLError: it is no YAML.
    """
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - both are safe ones
