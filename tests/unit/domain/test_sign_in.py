"""After how many failures the next sign-in is refused."""

from __future__ import annotations

import pytest

from ckanext.govopen.domain.sign_in import MOST, Failures, is_refused


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (Failures(0, 0, 0), False),
        (Failures(MOST.pair - 1, MOST.name - 1, MOST.address - 1), False),
        (Failures(MOST.pair, MOST.pair, MOST.pair), True),
        (Failures(1, MOST.name, 1), True),
        (Failures(0, 0, MOST.address), True),
    ],
    ids=["none", "one below each", "one person", "many addresses", "many names"],
)
def test_each_limit_alone_refuses(found: Failures, expected: bool) -> None:
    assert is_refused(found) is expected


def test_an_account_is_never_tried_a_hundred_times() -> None:
    assert MOST.pair < MOST.name <= 100 < MOST.address
