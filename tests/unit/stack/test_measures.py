"""The self-check names what an installation does without, in words for both languages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stack import layout, measures, messages
from stack.installation import Installation
from stack.layout import Checkout, DataFolder
from stack.state import State


@pytest.fixture
def one(tmp_path: Path) -> Installation:
    logic = tmp_path / "ckanext-govopen" / "ckanext" / "govopen" / "logic"
    logic.mkdir(parents=True)
    (tmp_path / "data").mkdir()
    return Installation(Checkout(tmp_path), DataFolder(tmp_path / "data"), State(city="empty"), {})


def test_what_the_product_has_not_is_named_until_its_module_is_there(one: Installation) -> None:
    assert measures.missing(one) == ["no_two_factor", "no_single_sign_on"]
    (one.checkout.extension / "logic" / "two_factor.py").touch()
    assert measures.missing(one) == ["no_single_sign_on"]


@pytest.mark.parametrize(
    ("site_url", "host", "is_named"),
    [
        ("", "127.0.0.1", False),
        ("", "0.0.0.0", True),  # noqa: S104
        ("", "10.0.0.5", True),
        ("http://open.example.gov.cn", "127.0.0.1", True),
        ("https://open.example.gov.cn", "0.0.0.0", False),  # noqa: S104
    ],
)
def test_an_address_without_encryption_is_named(
    one: Installation, site_url: str, host: str, is_named: bool
) -> None:
    shown = replace(one, state=replace(one.state, site_url=site_url, host=host))
    assert ("no_encryption" in measures.missing(shown)) is is_named


def test_first_passwords_that_still_lie_there_are_named_on_a_real_site_only(
    one: Installation,
) -> None:
    one.folder.accounts_file.touch()
    assert "first_passwords" in measures.missing(one)
    demo = replace(one, state=replace(one.state, city="demo"))
    assert "first_passwords" not in measures.missing(demo)


@pytest.mark.parametrize(("locale", "chinese"), [("C", False), ("C.UTF-8", True)])
def test_it_is_told_in_english_and_where_the_terminal_can_in_chinese(
    one: Installation,
    locale: str,
    chinese: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    measures.tell(one)
    told = capsys.readouterr().out
    assert "Security self-check, missing:" in told
    assert "two-factor sign-in" in told
    assert (messages._TEXTS["no_two_factor"]["zh"] in told) is chinese


def test_every_measure_has_its_words() -> None:
    assert set(measures.MODULES) <= messages.keys()
    assert layout.here().extension.is_dir()
