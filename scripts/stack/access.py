"""How the other commands get at an existing data folder: as its owner, never as root."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from stack import identity, layout, preparation, state
from stack.installation import Installation
from stack.layout import DataFolder
from stack.messages import StackError


def enter(data: str | None, command: list[str]) -> DataFolder:
    """Return the data folder; as root, first begin `command` anew as the user it belongs to.

    Anew, with the Python of the virtual environment: after giving up root, the Python that root
    has used may not even be able to read its own library.
    Raises StackError when there is no stack in it, or when it belongs to somebody else.
    """
    folder = layout.data_folder(data, layout.here())
    try:
        there = folder.state_file.exists()
    except PermissionError as error:
        raise StackError("folder_of_other", path=folder.root) from error
    if not there:
        raise StackError("no_stack", path=folder.root)
    checkout, user = layout.here(), identity.run_user(folder.root)
    inside = Path(sys.prefix).resolve() == checkout.venv.resolve()
    if (os.geteuid() == 0 or not inside) and user.runs([str(checkout.python), "-c", ""]):
        preparation.go_on_inside(checkout, folder, user, command)
    identity.become(user)
    if not os.access(folder.state_file, os.R_OK):
        raise StackError("folder_of_other", path=folder.root)
    return folder


def installation(data: str | None, command: list[str]) -> Installation:
    """Return the installation in the data folder, as the user it belongs to."""
    folder = enter(data, command)
    known = state.load(folder)
    if known is None:
        raise StackError("no_stack", path=folder.root)
    return Installation(layout.here(), folder, known, state.keys(folder))
