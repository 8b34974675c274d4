"""Who stands at the workbench: roles, units and what follows for the pages. Read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ckanext.govopen.domain.review import (
    AUTHORITY_STEPS,
    DECIDING_ROLES,
    DEPUTY_ROLES,
    REVIEW_ROLES,
    SETTLING_ROLES,
    WITHDRAWING_ROLES,
)
from ckanext.govopen.logic.roles import units_by_role, user_of


@dataclass(frozen=True)
class Person:
    """The signed-in person as the pages need to know them.

    Args:
        roles: for each role the ids of its units; None stands for every unit.
        kept_units: units whose records this person enters; None for every unit.
    """

    id: str
    name: str
    is_sysadmin: bool
    roles: Mapping[str, frozenset[str | None]]
    kept_units: tuple[str, ...] | None

    @property
    def is_authority(self) -> bool:
        """The data authority for every unit: sees and writes all inventories."""
        return None in self.roles.get("data_authority", ())

    @property
    def drafting_units(self) -> tuple[str, ...] | None:
        """Units whose draft datasets this person sees and changes; None for every unit."""
        held = self.roles.get("info_officer", frozenset())
        if self.is_sysadmin or None in held:
            return None
        return tuple(sorted(unit for unit in held if unit))

    @property
    def drafts(self) -> bool:
        """Makes and changes draft datasets of some unit."""
        return self.drafting_units is None or bool(self.drafting_units)

    def withdraws(self, unit_id: str) -> bool:
        """May take a public dataset of this unit back."""
        held = (self.roles.get(role, frozenset()) for role in WITHDRAWING_ROLES)
        return self.is_sysadmin or any({None, unit_id} & units for units in held)

    @property
    def settles(self) -> bool:
        """May say the second word about an emergency hiding of somebody else."""
        return not SETTLING_ROLES.isdisjoint(self.roles)

    @property
    def enters(self) -> bool:
        """Enters records: an information officer, or the data authority."""
        return self.kept_units is None or bool(self.kept_units)

    @property
    def adjusts(self) -> bool:
        """Writes adjustments of lists, or approves them."""
        return any(role in self.roles for role in ("info_officer", *AUTHORITY_STEPS))

    @property
    def reviews(self) -> bool:
        return any(role in self.roles for role in (*REVIEW_ROLES, "info_officer", "auditor"))

    @property
    def names_deputies(self) -> bool:
        """Holds a role of the review, or acts in one in somebody's place."""
        return any(role in self.roles for role in DEPUTY_ROLES)

    @property
    def keeps_units(self) -> bool:
        """May change units, accounts and roles."""
        held = ("data_authority", "disclosure_office")
        return self.is_sysadmin or any(None in self.roles.get(role, ()) for role in held)

    @property
    def keeps_accounts(self) -> bool:
        """May make accounts and give roles: never somebody who decides cases."""
        decides = any(None in self.roles.get(role, ()) for role in DECIDING_ROLES)
        return self.is_sysadmin or (self.keeps_units and not decides)

    @property
    def audits(self) -> bool:
        """May read the audit log."""
        return self.is_sysadmin or None in self.roles.get("auditor", ())


def person_of(context: Mapping[str, Any]) -> Person | None:
    """The signed-in person, or None for anybody else."""
    user = user_of(context)
    if user is None:
        return None
    held = {role: frozenset(units) for role, units in units_by_role(user.id).items()}
    kept = held.get("info_officer", frozenset())
    sees_all = user.sysadmin or None in kept or None in held.get("data_authority", ())
    return Person(
        id=user.id,
        name=user.name,
        is_sysadmin=bool(user.sysadmin),
        roles=held,
        kept_units=None if sees_all else tuple(sorted(unit for unit in kept if unit)),
    )
