"""The tables and functions of the job engine (Procrastinate), at the version that is pinned."""

from __future__ import annotations

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())


def downgrade() -> None:
    cursor = op.get_bind().connection.cursor()
    cursor.execute(
        "DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs,"
        " procrastinate_workers CASCADE"
    )
    cursor.execute(
        "DO $$ DECLARE f text; BEGIN FOR f IN SELECT oid::regprocedure::text FROM pg_proc"
        " WHERE proname LIKE 'procrastinate\\_%' LOOP EXECUTE 'DROP FUNCTION ' || f || ' CASCADE';"
        " END LOOP; END $$"
    )
    cursor.execute(
        "DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_status,"
        " procrastinate_job_event_type CASCADE"
    )
