"""Parts of CKAN that the platform has no use for: the same answer, whatever is named, to everybody.

Collaborators and relations cross the borders of units; CKAN's own file store knows no review.
"""

from __future__ import annotations

from typing import Any

import ckan.plugins.toolkit as tk

from ckanext.govopen.logic.errors import absent

__all__ = [
    "file_create",
    "file_delete",
    "file_owner_scan",
    "file_ownership_transfer",
    "file_pin",
    "file_register",
    "file_rename",
    "file_show",
    "file_unpin",
    "package_collaborator_create",
    "package_collaborator_delete",
    "package_collaborator_list",
    "package_collaborator_list_for_user",
    "package_relationship_create",
    "package_relationship_delete",
    "package_relationship_update",
    "package_relationships_list",
]


def _not_there(context: Any, data_dict: dict[str, Any]) -> Any:
    """Not used here: nobody finds anything."""
    absent()


@tk.side_effect_free
def _nothing_to_read(context: Any, data_dict: dict[str, Any]) -> Any:
    """Not used here: nobody finds anything."""
    absent()


file_owner_scan = file_show = _nothing_to_read
package_collaborator_list = package_collaborator_list_for_user = _nothing_to_read
package_relationships_list = _nothing_to_read
file_create = file_delete = file_ownership_transfer = file_pin = _not_there
file_register = file_rename = file_unpin = _not_there
package_collaborator_create = package_collaborator_delete = _not_there
package_relationship_create = package_relationship_update = _not_there
package_relationship_delete = _not_there
