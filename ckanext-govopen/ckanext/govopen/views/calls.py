"""Calls of the API that an action of CKAN's cannot take are refused, not answered as broken: 409.

CKAN's own actions trust the kinds of their parameters and stumble, each in its own place, over a
list where a text stood in its author's mind. The door before (`texts`) names what it knows; this
one stands behind all that are left. Our own actions check for themselves: their stumbling is an
error.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from flask import Flask

import ckan
import ckan.model as model
import ckan.plugins.toolkit as tk

log = logging.getLogger(__name__)

STUMBLES = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    OverflowError,
    RecursionError,
    AssertionError,  # some of its functions say with it what they expect
    sa.exc.ArgumentError,  # one value where a list belongs
    sa.exc.CompileError,  # a name that is no column
    sa.exc.DataError,  # a value that its column cannot hold
    sa.exc.IntegrityError,  # no value where its column wants one, or one that is there already
    sa.exc.InvalidRequestError,  # an object where an id belongs
    sa.exc.ProgrammingError,  # a kind of value that no column holds
)
OURS = str(Path(__file__).parents[1])
CKAN = str(Path(ckan.__file__).parent)  # and the extensions beside it
Action = Callable[[Any, dict[str, Any]], Any]


def install(app: Flask) -> None:
    """Puts the door into CKAN's API; called once for each application.

    CKAN loads the module of its API by its path, so that the one of that name is another.
    """
    names = inspect.unwrap(app.view_functions["api.action"]).__globals__
    if not hasattr(names["get_action"], "govopen_guarded"):
        names["get_action"] = _guarding(names["get_action"])


def _guarding(get_action: Callable[[str], Action]) -> Callable[[str], Action]:
    @functools.wraps(get_action)
    def get_guarded(name: str) -> Action:
        action = get_action(name)
        return action if name.startswith("govopen_") else _guarded(name, action)

    get_guarded.govopen_guarded = True  # type: ignore[attr-defined]
    return get_guarded


def _guarded(name: str, action: Action) -> Action:
    @functools.wraps(action)
    def answer(context: Any, data_dict: dict[str, Any]) -> Any:
        try:
            return action(context, data_dict)
        except STUMBLES as error:
            place = _place(error.__traceback__)
            if place.startswith(OURS):
                raise
            model.Session.rollback()
            # the message of the error may quote the call: its class and place are enough
            log.warning("%s cannot take its call: %s in %s", name, type(error).__name__, place)
            said = tk._("{0} cannot take these parameters; see its description").format(name)
            raise tk.ValidationError({"message": [said]}) from None

    return answer


def _place(trace: TracebackType | None) -> str:
    """The last line of ours or CKAN's that ran: what it called does not know better."""
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.startswith((OURS, CKAN)) and file != __file__:
            found = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found
