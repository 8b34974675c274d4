"""Which rows of a database were written since a moment, whoever wrote them."""

from __future__ import annotations

from typing import Any

# Its queue and its heartbeat, and what a run holds until it has ended.
ENGINE_AND_STAGING = ("procrastinate_", "govopen_harvest_stage")


class Written:
    """Counts rows that were inserted or changed since it was made, and rows that were deleted."""

    def __init__(self, connection: Any) -> None:
        connection.autocommit = True
        self._cursor = connection.cursor()
        self._cursor.execute("SELECT pg_current_xact_id()::text::bigint % (1::bigint << 32)")
        self._mark = int(self._cursor.fetchone()[0])
        self._gone = self._deleted()

    def rows(self) -> dict[str, int]:
        """Rows by table, without those of the job engine and of staging."""
        gone, found = self._deleted(), {}
        for table, before in self._gone.items():
            if table.startswith(ENGINE_AND_STAGING):
                continue
            self._cursor.execute(
                f'SELECT count(*) FROM public."{table}" WHERE xmin::text::bigint >= {self._mark}'
            )
            count = int(self._cursor.fetchone()[0]) + gone.get(table, before) - before
            if count:
                found[table] = count
        return found

    def _deleted(self) -> dict[str, int]:
        self._cursor.execute(
            "SELECT relname, n_tup_del FROM pg_stat_user_tables WHERE schemaname = 'public'"
        )
        return dict(self._cursor.fetchall())
