"""A figure that is taken anew on a day counts; what was voided leaves room for the right one."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0034_duty_scopes.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0034_duty_scopes_down.sql").read_text(encoding="utf-8"))
