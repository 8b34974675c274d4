"""Pending revisions, refresh rules, the history of what was public, and a guard that knows them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"
FILES = ("0006_revisions.sql", "0006_revisions_guard.sql", "0006_revisions_put.sql")


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    for name in FILES:
        cursor.execute((SQL / name).read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0006_revisions_down.sql").read_text(encoding="utf-8"))
