"""The number of findings of a case."""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0021_case_findings.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0021_case_findings_down.sql").read_text(encoding="utf-8"))
