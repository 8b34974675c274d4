"""What the connected role may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session


def rights(session: Session) -> Mapping[str, Any]:
    """Rights that the web part's role must not have, each true or false."""
    return (
        session.execute(
            sa.text(
                "SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"
                "  AS is_superuser,"
                " EXISTS (SELECT FROM pg_tables WHERE tableowner = current_user"
                "  AND schemaname = 'public') AS owns_tables,"
                " has_schema_privilege('public', 'CREATE') AS may_create,"
                " has_table_privilege('govopen_opinion', 'UPDATE')"
                "  OR has_table_privilege('govopen_opinion', 'DELETE')"
                "  OR has_table_privilege('govopen_audit', 'UPDATE')"
                "  OR has_table_privilege('govopen_audit', 'DELETE') AS may_rewrite"
            )
        )
        .mappings()
        .one()
    )
