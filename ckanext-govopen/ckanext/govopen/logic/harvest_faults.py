"""What went wrong under a step of a run: the database, the disk, or the record itself."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any, Protocol, TypeVar

import psycopg2
import sqlalchemy as sa
from sqlalchemy.orm import Session

ATTEMPTS = 6
FIRST_PAUSE = 1.0  # seconds, doubled each time: half a minute in all, enough for a restart
BY_THE_DATABASE = (sa.exc.DBAPIError, psycopg2.Error)
# SQLSTATE classes that speak of the database and not of a record: connection, serialization and
# deadlock, resources, locks, an administrator, the system.
OF_THE_DATABASE = ("08", "40", "53", "55", "57", "58")
NO_SPACE = "53100"


class HasSteps(Protocol):
    """A run at work.

    Attributes:
        retries: steps done again and not yet counted with the run.
    """

    session: Session
    retries: int


Step = TypeVar("Step", bound=Callable[..., Any])


def again(step: Step) -> Step:
    """Does a step again, later each time, when the database could not; counted with the run."""

    @wraps(step)
    def tried(self: HasSteps, *args: Any, **kwargs: Any) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return step(self, *args, **kwargs)
            except BY_THE_DATABASE as error:  # noqa: PERF203 a try is what this is about
                with suppress(sa.exc.DBAPIError):
                    self.session.rollback()
                if not is_of_the_database(error) or attempt + 1 == ATTEMPTS:
                    raise
                self.retries += 1
                time.sleep(FIRST_PAUSE * 2**attempt)
        raise AssertionError

    return tried  # type: ignore[return-value]


def is_of_the_database(error: BaseException) -> bool:
    """True when the database could not do it just now; trying again may help."""
    if getattr(error, "connection_invalidated", False):
        return True
    said = _said_by_the_driver(error)
    if said is None or isinstance(said, psycopg2.InterfaceError):
        return said is not None
    if said.pgcode is None:  # the connection broke before the server could say why
        return isinstance(said, psycopg2.OperationalError)
    return str(said.pgcode).startswith(OF_THE_DATABASE)


def is_without_space(error: BaseException) -> bool:
    """True when a disk is full: the database's, or that of temporary files."""
    said = _said_by_the_driver(error)
    if said is not None:
        return bool(said.pgcode == NO_SPACE)
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _said_by_the_driver(error: BaseException) -> psycopg2.Error | None:
    """The driver's own error: COPY runs on its cursor, everything else within SQLAlchemy."""
    found = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return found if isinstance(found, psycopg2.Error) else None
