"""The audit log: its table, its chain, and the notes that changes leave by themselves."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0003_audit.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0003_down.sql").read_text(encoding="utf-8"))
