"""Which passwords may be set, and what is said of the others."""

from __future__ import annotations

import secrets

import pytest

from ckanext.govopen.domain.passwords import LONGEST, SHORTEST, check

SAID = ("officer-zhang", "zhang.wei@yunze.example", "张伟", "云泽市政务公开平台")
GOOD = ["correct-horse-battery-7", "渡口的白鹭吃掉了七个月亮", "q7Rk0vTz2mXw"]


@pytest.mark.parametrize("password", GOOD)
def test_a_password_that_takes_long_to_guess_is_taken(password: str) -> None:
    assert check(password, SAID) is None


@pytest.mark.parametrize("count", [8, 64])
def test_a_random_one_is_taken(count: int) -> None:
    assert check(secrets.token_hex(count), SAID) is None


@pytest.mark.parametrize("password", ["", "Kx9!vTz2mX", "q7Rk0vTz2m" * 13])
def test_a_password_of_another_length_is_refused_with_both_bounds(password: str) -> None:
    found = check(password)
    assert found is not None
    assert (found.code, found.params) == (
        "accounts.E2",
        {"least": str(SHORTEST), "most": str(LONGEST)},
    )


@pytest.mark.parametrize(("password", "reason"), [
    ("password1234", "common"),
    ("qwertyuiopas", "common"),
    ("ytrewqlkjhgfd", "keyboard"),
    ("aaaaaaaaaaaa", "repeat"),
    ("bcdefghijklm", "sequence"),
    ("1984-05-12-84", "date"),
    ("officer-zhang1", "own"),
    ("zhang.wei@yunze.example", "own"),
    ("WilliamAmanda", "word"),
])  # fmt: skip
def test_a_password_that_is_tried_early_is_refused_and_never_repeated(
    password: str, reason: str
) -> None:
    found = check(password, SAID)
    assert found is not None
    assert (found.code, found.params, found.value) == ("accounts.E3", {"reason": reason}, None)


def test_the_words_of_one_account_are_not_those_of_another() -> None:
    assert check("kuzilmorvend8") is None
    assert check("kuzilmorvend8", ("kuzilmorvend",)) is not None
    assert check("kuzilmorvend8") is None
