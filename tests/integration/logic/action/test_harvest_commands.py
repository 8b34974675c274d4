"""The life of a source by commands alone: proposed, declined, adopted, mapped, mended, changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parent))
from harvest_kit import Field, alone, counts

from ckanext.govopen.cli import govopen

WAITS = 3


def test_a_source_lives_by_commands(one: Field, tmp_path: Path) -> None:
    def call(person: str, *arguments: str, exit_code: int = 0) -> Any:
        with alone():
            asked = ("harvest", *arguments, "--user", one.office.name(person), "--json")
            found: Result = CliRunner().invoke(govopen, asked)
        assert found.exit_code == exit_code, found.output
        return json.loads(found.stdout) if exit_code in (0, WAITS) else found.output

    def file(**said: Any) -> str:
        path = tmp_path / "source.yaml"
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        return str(path)

    name, unit = f"c{one.mark}", one.office.unit_id
    header = ("编号", "本市信息资源名称", "信息资源提供方", "更新周期", "摘要")
    rows = [(key, title, whose, "7", said) for key, title, whose, _, said in one.rows(3)]
    rows[2] = (rows[2][0], "", *rows[2][2:])
    one.put("m.csv", rows, header)
    settings = {"path": f"{one.folder.name}/m.csv"}
    described = {"name": name, "title": "命令来源", "kind": "table", "settings": settings}
    for answer in ("说明不清", None):
        proposed = call("officer", "source", "propose", file(**described, unit=unit),
                        "--reason", "每月更新")  # fmt: skip
        assert proposed["state"] == "proposed"
        if answer:
            declined = call("adder", "source", "decline", name, "--reason", answer)
            assert (declined["state"], declined["answer"]) == ("declined", answer)
    other = file(kind="sql", settings={})
    assert "kind is table" in call("adder", "source", "adopt", name, other, exit_code=1)
    settings["key"] = "编号"
    adopted = call("adder", "source", "adopt", name, file(settings=settings, schedule="daily"))
    assert (adopted["state"], adopted["schedule"], adopted["settings"]) == (
        "active", "daily", settings)  # fmt: skip

    looked = call("adder", "run", name, "--dry-run")
    assert counts(looked) == {"seen": 3, "rejected": 3}
    told = ("map", looked["id"], "--field", "本市信息资源名称=name",
            "--value", "update_cycle:7=yearly")  # fmt: skip
    call("officer", *told, exit_code=1)  # the mapping is the data authority's to confirm
    assert "怪列" in call("adder", "map", looked["id"], "--field", "怪列=name", exit_code=1)
    mapped = call("adder", *told)["settings"]
    assert mapped == {**settings, "columns": {"本市信息资源名称": "name"},
                      "values": {"update_cycle": {"7": "yearly"}}}  # fmt: skip

    waits = call("adder", "run", name, exit_code=WAITS)
    done = call("authority", "approve", waits["id"])
    assert counts(done) == {"seen": 3, "created": 2, "rejected": 1}
    [letter] = call("officer", "dead", name)
    mended = call("officer", "dead", name, "--retry", "--id", letter["id"], "--set", "name=补写")
    assert counts(mended) == {"seen": 1, "created": 1}
    assert call("officer", "dead", name) == []

    changed = file(title="命令来源二", settings={**mapped, "truncate": ["abstract"]})
    assert call("adder", "source", "update", name, changed)["title"] == "命令来源二"
    again = call("adder", "run", name, exit_code=WAITS)
    assert again["waits_for"] == "first_run", "other settings are approved anew"
