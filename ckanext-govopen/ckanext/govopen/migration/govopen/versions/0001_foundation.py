"""The first tables: units, registers, review, imports, rates, and the publication guard.

Plain SQL on purpose: triggers, functions and their order are the point of it, and who reviews
the guard should read what PostgreSQL reads.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "model" / "sql"
FILES = (
    "0001_clock.sql",
    "0001_tables.sql",
    "0001_register_guard.sql",
    "0001_publication_guard.sql",
    "0001_rates.sql",
)


def upgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    for name in FILES:
        cursor.execute((SQL / name).read_text(encoding="utf-8"))


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute((SQL / "0001_down.sql").read_text(encoding="utf-8"))
