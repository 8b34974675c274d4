"""A mail waits in a table until the mail server has taken it."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0036_mail.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0036_mail_down.sql").read_text(encoding="utf-8"))
