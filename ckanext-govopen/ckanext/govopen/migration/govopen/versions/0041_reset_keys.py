"""A link with which a person sets a password holds for a while."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0041_reset_keys.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0041_reset_keys_down.sql").read_text(encoding="utf-8"))
