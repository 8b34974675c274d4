"""What an action writes is kept as a whole, or nothing of it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import ckan.model as model

_Answer = TypeVar("_Answer")


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Undoes what the block has written when it raises something; the commit is the caller's."""
    try:
        yield
    except Exception:
        model.Session.rollback()
        raise


def committed(act: Callable[[], _Answer]) -> _Answer:
    """What an act answers, once what it has written is kept."""
    with all_or_nothing():
        answer = act()
    model.repo.commit()
    return answer
