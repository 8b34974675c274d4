"""Settings made for an installation: addresses, secrets, awkward paths."""

from __future__ import annotations

import configparser
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from stack import (
    identity,
    installation,
    layout,
    options,
    parts,
    preparation,
    solr,
    state,
)
from stack.messages import StackError

AWKWARD = Path("/srv/数据 100% 'x'")


def one(root: Path = Path("/srv/x"), **changes: object) -> installation.Installation:
    keys = {name: f"{number:02d}" * 32 for number, name in enumerate(state.SECRET_NAMES)}
    given = state.State(ports={"postgresql": 20001, "solr": 20002})
    return installation.Installation(
        layout.here(), layout.DataFolder(root), replace(given, **changes), keys
    )


def read(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


def test_paths_with_spaces_quotes_percent_signs_and_chinese_survive_the_ini_file() -> None:
    section = read(installation.ckan_ini(one(AWKWARD)))["app:main"]
    assert section["ckan.storage_path"] == str(AWKWARD / "storage")
    assert section["ckanext.govopen.data_path"] == str(AWKWARD)


def test_no_secret_equals_another_and_the_application_connects_as_its_own_role() -> None:
    section = read(installation.ckan_ini(one()))["app:main"]
    secrets = [
        section["SECRET_KEY"],
        section["WTF_CSRF_SECRET_KEY"],
        section["api_token.jwt.encode.secret"].removeprefix("string:"),
        section["ckanext.govopen.audit_key"],
    ]
    assert len(set(secrets)) == 4
    assert min(map(len, secrets)) >= 32
    assert section["sqlalchemy.url"].startswith("postgresql://govopen_app:")
    assert section["ckan.datastore.read_url"].startswith("postgresql://govopen_reader:")


@pytest.mark.parametrize(
    ("url", "secure"), [("https://data.example.gov.cn", "true"), ("", "false")]
)
def test_cookies_are_for_https_alone_where_the_site_has_it(url: str, secure: str) -> None:
    section = read(installation.ckan_ini(one(site_url=url)))["app:main"]
    assert section["SESSION_COOKIE_SECURE"] == section["REMEMBER_COOKIE_SECURE"] == secure


def test_redis_connections_wait_long_enough_for_idle_workers() -> None:
    assert "socket_timeout=3600" in one().redis_url


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "data.example.gov.cn", "::"])  # noqa: S104
@pytest.mark.parametrize(("city", "stamp"), [("demo", ""), ("small", ""), ("empty", "test")])
def test_demo_and_test_data_are_never_shown_to_other_machines(
    host: str, city: str, stamp: str
) -> None:
    with pytest.raises(StackError) as caught:
        options.check_host(host, city, stamp)
    assert caught.value.key == "host_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "::1", "localhost"])
def test_this_machine_may_always_see_the_demo(host: str) -> None:
    assert options.check_host(host, "demo", "") is None


def test_a_real_installation_may_listen_everywhere() -> None:
    assert options.check_host("0.0.0.0", "empty", "") is None  # noqa: S104


def test_scripts_of_the_parts_are_sound_shell_in_an_awkward_folder(tmp_path: Path) -> None:
    for part in (parts.web(one(AWKWARD)), parts.worker(one(AWKWARD)), parts.city(one(AWKWARD))):
        script = tmp_path / f"{part.name}.sh"
        script.write_text("\n".join(part.lines), encoding="utf-8")
        done = subprocess.run(
            ["/bin/sh", "-n", str(script)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_solr_keeps_no_password_in_its_file_only_a_salted_hash() -> None:
    text = solr.security("ckan", "the password")
    assert "the password" not in text
    assert text != solr.security("ckan", "another")
    assert '"blockUnknown": true' in text


def test_keys_are_made_once_and_kept_private(tmp_path: Path) -> None:
    folder = layout.DataFolder(tmp_path)
    first = state.keys(folder)
    assert state.keys(folder) == first
    assert set(first) == set(state.SECRET_NAMES)
    assert len(set(first.values())) == len(first)
    assert folder.secrets_file.stat().st_mode & 0o777 == 0o600


def test_the_state_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    folder = layout.DataFolder(tmp_path)
    assert state.load(folder) is None
    written = state.State(city="small", port=5123, ports={"solr": 20002}).with_done("schema", "a")
    state.save(folder, written)
    assert state.load(folder) == written


def test_a_damaged_state_file_is_told_by_its_path(tmp_path: Path) -> None:
    folder = layout.DataFolder(tmp_path)
    folder.state_file.write_text("{", encoding="utf-8")
    with pytest.raises(StackError) as caught:
        state.load(folder)
    assert str(folder.state_file) in str(caught.value)


@pytest.mark.parametrize("letter", ["%", ":", '"', "\\", "\n"])
def test_a_path_that_a_part_cannot_take_is_refused_before_anything_is_written(
    tmp_path: Path, letter: str
) -> None:
    folder = layout.DataFolder(tmp_path / f"a{letter}b")
    with pytest.raises(StackError) as caught:
        preparation.check_reach(layout.here(), folder, identity.myself_or_nobody())
    assert caught.value.key == "path_letters"
    assert not folder.root.exists()


def test_the_core_named_ckan_is_found_also_after_a_swap_of_cores(tmp_path: Path) -> None:
    assert solr.core_folder(tmp_path) == tmp_path / "ckan"
    for folder, name in (("ckan", "ckan_old"), ("second", "ckan")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "core.properties").write_text(f"#made\nname={name}\n", "ascii")
    assert solr.core_folder(tmp_path) == tmp_path / "second"
