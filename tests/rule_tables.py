"""The tables of docs/*/rules.md, made from the packs; `python tests/rule_tables.py` writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ckanext.govopen.domain.rules import RulePack, account
from ckanext.govopen.logic.rules import written_packs
from ckanext.govopen.logic.vocab import label

ROOT = Path(__file__).resolve().parents[1]
LANGUAGES = ("zh", "en")
PHASED = "beijing-2016"
WORDS = {
    "zh": {
        "counts": "规则包 | 文件 | 规则 | 对应到规则 | 记录 | 页面 | 软件之外 | 未对应",
        "outside": "规则包 | 条款 | 理由",
        "tasks": "任务 | 规则 | 记录和页面 | 软件之外",
    },
    "en": {
        "counts": "pack | text | rules | to a rule | record | page | outside | unmapped",
        "outside": "pack | clause | reason",
        "tasks": "task | rules | records and pages | outside",
    },
}


def _table(heading: str, rows: Iterator[list[str]]) -> str:
    lines = [heading, " | ".join("---" for _ in heading.split(" | ")), *map(" | ".join, rows)]
    return "".join(f"| {line} |\n" for line in lines)


def _counts(_: str) -> Iterator[list[str]]:
    for pack in written_packs():
        one = account(pack)
        numbers = (one.rules, one.rule, one.record, one.page, one.outside, one.unmapped)
        title = f"{pack.title} {pack.doc_no or ''}".strip()
        yield [f"`{pack.pack_id}`", title, *map(str, numbers)]


def _outside(lang: str) -> Iterator[list[str]]:
    for pack in written_packs():
        found = {(o.clause, o.target): None for o in pack.covered if o.kind == "outside"}
        for clause, reason in found:
            yield [f"`{pack.pack_id}`", clause, label("rule_outside", reason, lang)]


def _tasks(lang: str) -> Iterator[list[str]]:
    """Each task of the phased plan, in its order, and where it went."""
    pack = next(pack for pack in written_packs() if pack.pack_id == PHASED)
    tasks = {one.clause: None for one in pack.covered if "." in one.clause}
    for task in tasks:
        yield [task, *_destinations(pack, task, lang)]


def _destinations(pack: RulePack, clause: str, lang: str) -> list[str]:
    found = {(o.kind, o.target): None for o in pack.covered if o.clause == clause}
    ids = [target.partition(".")[2] for kind, target in found if kind == "rule"]
    kept = [label(f"rule_{k}", target, lang) for k, target in found if k in ("record", "page")]
    outside = [label("rule_outside", target, lang) for k, target in found if k == "outside"]
    join = "、" if lang == "zh" else "; "
    return [join.join(ids), join.join(kept), join.join(outside)]


TABLES = {"counts": _counts, "outside": _outside, "tasks": _tasks}


def made(name: str, lang: str) -> str:
    """One table as it should stand in the page of a language."""
    return _table(WORDS[lang][name], TABLES[name](lang))


def page(lang: str) -> Path:
    return ROOT / "docs" / lang / "rules.md"


def with_tables(text: str, lang: str) -> str:
    """A page with every table between `<!-- name -->` and `<!-- end -->` made anew."""
    for name in TABLES:
        opening, ending = f"<!-- {name} -->\n", "<!-- end -->"
        block = re.compile(f"{opening}.*?{ending}", re.S)
        whole = f"{opening}{made(name, lang)}{ending}"
        text, times = block.subn(lambda _, whole=whole: whole, text)
        if times != 1:
            raise ValueError(f"{name} stands {times} times in the page of {lang}")
    return text


if __name__ == "__main__":
    for each in LANGUAGES:
        page(each).write_text(with_tables(page(each).read_text("utf-8"), each), "utf-8")
