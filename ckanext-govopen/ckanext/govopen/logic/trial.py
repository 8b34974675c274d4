"""A dry run: an action does everything that it would do, and nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ckan.model as model

from ckanext.govopen.logic import audit, search


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Within this block commits are savepoints of one transaction that is rolled back at its end.

    Index and DataStore follow commits, so they are not asked to.
    """
    engine = model.meta.engine
    model.Session.remove()
    with engine.connect() as connection:
        whole = connection.begin()
        model.Session.configure(bind=connection, join_transaction_mode="create_savepoint")
        try:
            with search.held(), audit.held():
                yield
        finally:
            model.Session.remove()
            model.Session.configure(bind=engine, join_transaction_mode="conditional_savepoint")
            whole.rollback()
