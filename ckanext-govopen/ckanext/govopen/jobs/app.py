"""The job engine: its connection, and how a task enters CKAN and leaves it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import procrastinate

import ckan.model as model
import ckan.plugins.toolkit as tk
from ckan.config.middleware import make_app

from ckanext.govopen.logic import audit

Task = TypeVar("Task", bound=Callable[..., Any])
# Set when the worker has been told to stop: what can be left for later is left.
stopping = threading.Event()
_making = threading.Lock()


def conninfo() -> str:
    """The database of the site, as the application's role."""
    url: str = tk.config["sqlalchemy.url"]
    return url.replace("postgresql+psycopg2://", "postgresql://")


app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(),
    import_paths=[
        "ckanext.govopen.jobs.audit",
        "ckanext.govopen.jobs.duties",
        "ckanext.govopen.jobs.harvest",
        "ckanext.govopen.jobs.inventory",
        "ckanext.govopen.jobs.links",
        "ckanext.govopen.jobs.periodic",
        "ckanext.govopen.jobs.rates",
        "ckanext.govopen.jobs.registers",
        "ckanext.govopen.jobs.reconcile",
        "ckanext.govopen.jobs.review",
        "ckanext.govopen.jobs.scan",
    ],
)


@functools.cache
def _made_app() -> Any:
    return make_app(tk.config)._wsgi_app


def _flask_app() -> Any:
    """The one application; two tasks that begin at once do not make it twice."""
    with _making:
        return _made_app()


def in_ckan(task: Task) -> Task:
    """Runs a task in an application and request context and gives its session back after."""

    @functools.wraps(task)
    def inside(*args: Any, **kwargs: Any) -> Any:
        with _flask_app().test_request_context():
            try:
                with audit.acting(None, f"task:{task.__name__}"):
                    return task(*args, **kwargs)
            finally:
                model.Session.remove()

    return inside  # type: ignore[return-value]
