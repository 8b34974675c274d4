"""CKAN's own actions with a question of ours before them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import ckan.plugins.toolkit as tk

__all__ = ["Next", "asks_first"]

Next = Callable[[Any, dict[str, Any]], Any]
Question = Callable[[Any, dict[str, Any]], None]


def asks_first(question: Question) -> Callable[[Next, Any, dict[str, Any]], Any]:
    """Makes an action of CKAN out of the question that comes before it.

    The question has the action's name, and its docstring is what the API shows. It refuses by
    raising; when it returns, CKAN's own action answers.
    """

    @functools.wraps(question)
    def action(next_action: Next, context: Any, data_dict: dict[str, Any]) -> Any:
        question(context, data_dict)
        return next_action(context, data_dict)

    chained: Callable[[Next, Any, dict[str, Any]], Any] = tk.chained_action(action)
    return chained
