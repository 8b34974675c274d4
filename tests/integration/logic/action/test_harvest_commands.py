"""The life of a source by commands alone: proposed, declined, adopted, mapped, mended, changed."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, alone, counts

from ckanext.govopen.cli import govopen

WAITS = 3


@dataclass
class Keyboard:
    """Commands of the harvest, as people type them, and the file that they name."""

    one: Field
    path: Path

    def call(self, person: str, *arguments: str, exit_code: int = 0) -> Any:
        with alone():
            asked = ("harvest", *arguments, "--user", self.one.office.name(person), "--json")
            found: Result = CliRunner().invoke(govopen, asked)
        assert found.exit_code == exit_code, found.output
        return json.loads(found.stdout) if exit_code in (0, WAITS) else found.output

    def file(self, **said: Any) -> str:
        self.path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        return str(self.path)


@pytest.fixture
def keys(one: Field, tmp_path: Path) -> Keyboard:
    return Keyboard(one, tmp_path / "source.yaml")


def test_a_source_lives_by_commands(one: Field, keys: Keyboard) -> None:
    name = f"c{one.mark}"
    header = ("编号", "本市信息资源名称", "信息资源提供方", "更新周期", "摘要")
    rows = [(key, title, whose, "7", said) for key, title, whose, _, said in one.rows(3)]
    rows[2] = (rows[2][0], "", *rows[2][2:])
    one.put("m.csv", rows, header)
    settings = {"path": f"{one.folder.name}/m.csv"}
    _proposed_declined_and_proposed_again(keys, name, settings)
    settings["key"] = "编号"
    same = {"kind": "table", "outcome": "inventory", "unit": one.office.unit_id}
    completed = keys.file(settings=settings, schedule="daily", **same)
    adopted = keys.call("adder", "source", "adopt", name, completed)
    assert (adopted["state"], adopted["schedule"], adopted["settings"]) == (
        "active", "daily", settings)  # fmt: skip

    mapped = _mapped(keys, name, settings)
    waits = keys.call("adder", "run", name, exit_code=WAITS)
    done = keys.call("authority", "approve", waits["id"])
    assert counts(done) == {"seen": 3, "created": 2, "rejected": 1}
    _mended(keys, name)

    changed = keys.file(title="命令来源二", settings={**mapped, "truncate": ["abstract"]})
    assert keys.call("adder", "source", "update", name, changed)["title"] == "命令来源二"
    again = keys.call("adder", "run", name, exit_code=WAITS)
    assert again["waits_for"] == "first_run", "other settings are approved anew"


def _proposed_declined_and_proposed_again(
    keys: Keyboard, name: str, settings: dict[str, str]
) -> None:
    described = {"name": name, "title": "命令来源", "kind": "table", "settings": settings}
    for answer in ("说明不清", None):
        file = keys.file(**described, unit=keys.one.office.unit_id)
        proposed = keys.call("officer", "source", "propose", file, "--reason", "每月更新")
        assert proposed["state"] == "proposed"
        if answer:
            declined = keys.call("adder", "source", "decline", name, "--reason", answer)
            assert (declined["state"], declined["answer"]) == ("declined", answer)


def _mapped(keys: Keyboard, name: str, settings: dict[str, str]) -> dict[str, Any]:
    looked = keys.call("adder", "run", name, "--dry-run")
    assert counts(looked) == {"seen": 3, "rejected": 3}
    told = ("map", looked["id"], "--field", "本市信息资源名称=name",
            "--value", "update_cycle:7=yearly")  # fmt: skip
    keys.call("officer", *told, exit_code=1)  # the mapping is the data authority's to confirm
    strange = ("map", looked["id"], "--field", "怪列=name")
    assert "怪列" in keys.call("adder", *strange, exit_code=1)
    mapped: dict[str, Any] = keys.call("adder", *told)["settings"]
    assert mapped == {**settings, "columns": {"本市信息资源名称": "name"},
                      "values": {"update_cycle": {"7": "yearly"}}}  # fmt: skip
    return mapped


def _mended(keys: Keyboard, name: str) -> None:
    [letter] = keys.call("officer", "dead", name)
    told = ("--retry", "--id", letter["id"], "--set", "name=补写=1")
    assert counts(keys.call("officer", "dead", name, *told)) == {"seen": 1, "created": 1}
    assert keys.call("officer", "dead", name) == []


def test_a_file_changes_nothing_that_a_source_is_for_good(one: Field, keys: Keyboard) -> None:
    name, unit = one.add()["name"], one.office.unit_id
    same = {"name": name, "kind": "table", "outcome": "inventory"}
    for fixed, other in {"name": "x", "kind": "sql", "outcome": "dataset", "unit": unit}.items():
        file = keys.file(title="另一来源", **{**same, fixed: other})
        refusal = keys.call("adder", "source", "update", name, file, exit_code=1)
        assert f"source.yaml: {fixed} is {same.get(fixed)} for good" in refusal
    keys.path.write_text("kind: [", encoding="utf-8")
    refusal = keys.call("adder", "source", "update", name, str(keys.path), exit_code=1)
    assert "source.yaml: while parsing" in refusal
