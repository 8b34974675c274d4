"""The documents are true: their commands, links, options, languages."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest
import yaml
from documents import ROOT, Command, all_commands, documents, prose

PACKAGE = ROOT / "ckanext-govopen" / "ckanext" / "govopen"
SCRIPTS = sorted(p.name for p in (ROOT / "scripts").iterdir() if p.is_file())
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(?P<title>.+?) *$", re.M)
CALL = re.compile(r"\./scripts/(?P<name>[a-z]+)(?P<rest>[^|;&>)]*)")
FINDINGS = sorted((PACKAGE / "data" / "findings").glob("*.yaml"))
LANGUAGES = ("zh", "en")
# Hosts of package registries, put together so that this file does not name them either.
REGISTRIES = tuple(
    rf"{first}{second}"
    for first, second in (
        ("pypi", r"\."), ("pythonhost", r"ed\."), ("npm", r"js\."), ("maven", r"\."), ("repo1", r"\."),
        ("mvn", "repository"), ("docker", r"\.io"), ("ghcr", r"\."), ("deb", r"\.debian"), ("sona", "type"),
    )
)  # fmt: skip


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# --- commands ------------------------------------------------------------------------------------


@cache
def root_command() -> click.Group:
    """The group `ckan govopen`, imported without a configuration."""
    from ckanext.govopen.cli import govopen

    return govopen


def scripts_called() -> list[tuple[Command, str, list[str]]]:
    """Every call of a script in a documented command, with its arguments."""
    return [
        (command, call["name"], call["rest"].split())
        for command in all_commands()
        for call in CALL.finditer(command.text)
    ]


def options_of(help_page: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z-]+", help_page))


@cache
def help_of(script: str) -> str:
    done = subprocess.run(
        [str(ROOT / "scripts" / script), "--help"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_are_documented_commands_and_some_are_run() -> None:
    assert len(all_commands()) > 50
    assert sum(command.is_run for command in all_commands()) > 20


@pytest.mark.parametrize("script", [name for name in SCRIPTS if name != "ckan"])
def test_a_script_tells_its_use_in_both_languages(script: str) -> None:
    page = help_of(script)
    assert re.search("[\u3400-\u9fff]", page)
    assert re.search(r"[A-Za-z]{4,} [a-z]{2,}", page)


def test_each_documented_script_exists_with_the_options_given() -> None:
    wrong = []
    for command, name, rest in scripts_called():
        if name not in SCRIPTS:
            wrong.append(f"{command}: scripts/{name}")
            continue
        if name in ("ckan", "test", "bench"):  # they hand their arguments on
            continue
        given = {word.split("=")[0] for word in rest if word.startswith("--")}
        wrong += [f"{command}: {name} {option}" for option in given - options_of(help_of(name))]
    assert wrong == []


def test_every_script_is_documented() -> None:
    called = {name for _, name, _ in scripts_called()}
    assert set(SCRIPTS) - called == set()


def words_of(rest: list[str]) -> list[str]:
    """The words after `govopen`, without the options of the script itself."""
    return rest[rest.index("govopen") + 1 :]


def test_each_documented_ckan_command_exists_with_the_options_given() -> None:
    wrong = []
    for command, name, rest in scripts_called():
        if name != "ckan" or "govopen" not in rest:
            continue
        node: click.Command = root_command()
        words = words_of(rest)
        while isinstance(node, click.Group) and words and words[0] in node.commands:
            node = node.commands[words.pop(0)]
        if isinstance(node, click.Group):
            wrong.append(f"{command}: {' '.join(rest)}")
            continue
        known = {option for parameter in node.params for option in parameter.opts} | {"--help"}
        wrong += [f"{command}: {word}" for word in words if word[:2] == "--" and word not in known]
    assert wrong == []


def leaves(node: click.Command, path: tuple[str, ...] = ()) -> list[str]:
    if not isinstance(node, click.Group):
        return [" ".join(path)]
    return [leaf for name, each in node.commands.items() for leaf in leaves(each, (*path, name))]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_list_of_ckan_commands_is_the_one_that_there_is(lang: str) -> None:
    text = (ROOT / "docs" / lang / "operator.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text[text.index("`ckan govopen`") :], flags=re.M)[0]
    assert set(re.findall(r"^\| `([a-z ]+)` \|", section, re.M)) == set(leaves(root_command()))


@cache
def own_actions() -> frozenset[str]:
    """Names of the platform's actions, read from the source."""
    return frozenset(
        name
        for file in (PACKAGE / "logic" / "action").glob("*.py")
        for name in re.findall(r"^def (govopen_\w+)\(", file.read_text(encoding="utf-8"), re.M)
    )


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_a_document_names_actions_that_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    named = re.findall(r"(?:action[/ ]|site\.action\.|`)(govopen_\w+)(?=[?( ]|$)", text)
    sql = (PACKAGE / "model" / "sql").glob("*.sql")
    functions = {n for f in sql for n in re.findall(r"govopen_\w+", f.read_text(encoding="utf-8"))}
    assert [name for name in named if name not in own_actions() | functions] == []


# --- links and languages -------------------------------------------------------------------------


def anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    titles = (heading["title"] for heading in HEADING.finditer(prose(document)))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_every_link_to_a_file_resolves(document: Path) -> None:
    wrong = []
    for link in LINK.finditer(prose(document)):
        target = link["target"]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (document.parent / path).resolve() if path else document
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    assert wrong == []


def test_each_page_is_there_in_both_languages() -> None:
    pages = [{p.name for p in (ROOT / "docs" / lang).glob("*.md")} for lang in LANGUAGES]
    assert pages[0] == pages[1]
    assert len(pages[0]) >= 6


def shape(command: Command) -> list[str]:
    """What a command calls and with which options; words for placeholders differ by language."""
    return re.findall(r"\./scripts/[a-z]+|(?<= )--[a-z-]+|https?://[^\s']+", command.text)


@pytest.mark.parametrize("name", sorted(p.name for p in (ROOT / "docs" / "zh").glob("*.md")))
def test_both_languages_hold_the_same_commands(name: str) -> None:
    shapes = [
        [shape(c) for c in all_commands() if c.document == ROOT / "docs" / lang / name]
        for lang in LANGUAGES
    ]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize(
    ("chinese", "english"),
    [("README.md", "README.en.md"), ("CONTRIBUTING.md", "CONTRIBUTING.en.md")],
)
def test_the_two_languages_name_each_other(chinese: str, english: str) -> None:
    assert f"]({english})" in (ROOT / chinese).read_text(encoding="utf-8")
    assert f"]({chinese})" in (ROOT / english).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_a_document_names_no_registry_and_leaves_nothing_to_do(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    hosts = [host for host in REGISTRIES if re.search(host, text, re.I)]
    open_ends = re.findall(r"\b(?:TODO|FIXME|TBD|XXX|lorem ipsum)\b|待补充|待完善", text)
    assert (hosts, open_ends) == ([], [])


def test_a_picture_is_a_png_of_at_most_200_kilobytes() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    wrong = [p.name for p in pictures if p.suffix != ".png" or p.stat().st_size > 200 * 1024]
    assert wrong == []
    assert pictures


# --- options, findings, words --------------------------------------------------------------------


def declared_options() -> list[str]:
    declared = yaml.safe_load((PACKAGE / "config_declaration.yaml").read_text(encoding="utf-8"))
    return [option["key"] for group in declared["groups"] for option in group["options"]]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_option_is_documented_for_operators(lang: str) -> None:
    text = (ROOT / "docs" / lang / "operator.md").read_text(encoding="utf-8")
    assert [key for key in declared_options() if f"`{key}`" not in text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_environment_variable_of_the_stack_is_documented(lang: str) -> None:
    text = (ROOT / "docs" / lang / "operator.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "scripts" / "stack").glob("*.py"), ROOT / "config" / "gunicorn.conf.py"]
    found = {
        name
        for source in sources
        for name in re.findall(r'"(GOVOPEN_[A-Z_]+)"', source.read_text(encoding="utf-8"))
    }
    inner = {"GOVOPEN_BIND", "GOVOPEN_STACK", "GOVOPEN_TEST_DATA", "GOVOPEN_TEST_URL"}
    inner |= {name for name in found if name.endswith("_FD")}
    assert {name for name in found - inner if name not in text} == set()


@pytest.mark.parametrize("file", FINDINGS, ids=lambda path: path.stem)
def test_every_finding_has_title_and_text_in_both_languages(file: Path) -> None:
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    wrong = [
        f"{code} {part} {lang}"
        for code, entry in entries.items()
        for part in ("title", "text")
        for lang in LANGUAGES
        if not str(entry.get(part, {}).get(lang) or "").strip()
    ]
    assert wrong == []


def test_every_code_that_a_document_names_is_a_finding() -> None:
    codes = {code for file in FINDINGS for code in yaml.safe_load(file.read_text(encoding="utf-8"))}
    features = "|".join(sorted({code.partition(".")[0] for code in codes}))
    named = re.compile(rf"`((?:{features})\.[EW]\d+)`")
    example = "calendar.E3"  # of a feature yet to be made
    unknown = {
        f"{name_of(document)}: {code}"
        for document in documents()
        for code in named.findall(document.read_text(encoding="utf-8"))
        if code not in codes and code != example
    }
    assert unknown == set()


def is_there(layer: str, feature: str) -> bool:
    places = ("logic", "logic/action") if layer == "logic" else (layer,)
    paths = [PACKAGE / place / feature for place in places]
    return any(path.is_dir() or path.with_suffix(".py").is_file() for path in paths)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_map_of_layers_and_features_is_the_one_of_the_files(lang: str) -> None:
    from ckanext.govopen.features import FEATURES

    text = (ROOT / "docs" / lang / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+)` \|[^|]*\|(.*)\|$", text, re.M)
    layers = ("domain", "model", "logic", "views", "cli", "jobs")
    shown = {
        name: [cell.strip() == "●" for cell in cells.split("|")]
        for name, cells in rows
        if cells.count("|") == len(layers) - 1
    }
    real = {name: [is_there(layer, name) for layer in layers] for name in FEATURES}
    assert {name: shown.get(name) for name in FEATURES} == real


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_glossary_holds_every_role(lang: str) -> None:
    text = (ROOT / "docs" / lang / "glossary.md").read_text(encoding="utf-8")
    roles = yaml.safe_load((PACKAGE / "data" / "vocab" / "role.yaml").read_text(encoding="utf-8"))
    assert [r["code"] for r in roles["terms"] if f"`{r['code']}` | " not in text] == []


def test_the_change_log_begins_with_the_version_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = re.search(r'^version = "(?P<number>[^"]+)"', project, re.M)
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[^\]]*)\]", text, re.M)
    assert version
    assert versions[0] == version["number"]


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "GNU AFFERO GENERAL PUBLIC LICENSE" in text.splitlines()[0]
    assert "13. Remote Network Interaction" in text
    assert "END OF TERMS AND CONDITIONS" in text
