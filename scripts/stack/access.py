"""How the other commands get at an existing data folder: as its owner, never as root."""

from __future__ import annotations

import os

from stack import identity, layout, state
from stack.installation import Installation
from stack.layout import DataFolder
from stack.messages import StackError


def enter(data: str | None) -> DataFolder:
    """Return the data folder after becoming the user it belongs to.

    Raises StackError when there is no stack in it, or when it belongs to somebody else.
    """
    folder = layout.data_folder(data, layout.here())
    try:
        there = folder.state_file.exists()
    except PermissionError as error:
        raise StackError("folder_of_other", path=folder.root) from error
    if not there:
        raise StackError("no_stack", path=folder.root)
    identity.become(identity.run_user(folder.root))
    if not os.access(folder.state_file, os.R_OK):
        raise StackError("folder_of_other", path=folder.root)
    return folder


def installation(data: str | None) -> Installation:
    """Return the installation in the data folder, as the user it belongs to."""
    folder = enter(data)
    known = state.load(folder)
    if known is None:
        raise StackError("no_stack", path=folder.root)
    return Installation(layout.here(), folder, known, state.keys(folder))
