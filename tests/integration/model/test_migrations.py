"""A migration is taken back also where its tables hold what the tables of before could not.

The files run on tables of the same names that are the session's own, and gone with it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import psycopg2.errors
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from guard_kit import application_url, connected

SQL = Path(__file__).parents[3] / "ckanext-govopen" / "ckanext" / "govopen" / "model" / "sql"
# What 0034 and its way back read of the two tables, as 0013 made them.
BEFORE = """
CREATE TEMP TABLE govopen_duty (id text, rule_id text, started_unit text, scope text, state text,
  UNIQUE (rule_id, started_unit, scope));
CREATE TEMP TABLE govopen_evidence (record text, condition text, unit_id text, record_id text,
  event_record text, period text, ended boolean, value numeric, at timestamptz);
CREATE UNIQUE INDEX govopen_evidence_once ON govopen_evidence (record, record_id);
"""
DUTIES = "INSERT INTO govopen_duty SELECT i, 'r', 'u', '2026', s FROM unnest(%s, %s) x(i, s)"
FIGURES = """INSERT INTO govopen_evidence
SELECT 'share', 'taken', 'u', 'a', NULL, '2026', false, v, '2026-03-01' FROM unnest(%s) v"""


def test_duties_that_followed_a_voided_one_and_two_figures_of_a_day_outlive_the_way_back(
    data_folder: Path,
) -> None:
    with connected(application_url(data_folder)) as connection:
        cursor = connection.cursor()
        up, down = (
            (SQL / f"0034_duty_scopes{way}.sql").read_text(encoding="utf-8")
            for way in ("", "_down")
        )
        cursor.execute(BEFORE + up)
        cursor.execute(DUTIES, (["a", "b", "c"], ["void", "void", "running"]))
        cursor.execute(FIGURES, ([1, 2],))
        cursor.execute(down + up + down)
        cursor.execute("SELECT id, scope, state FROM govopen_duty ORDER BY id")
        assert cursor.fetchall() == [
            ("a", "2026 void a", "void"),
            ("b", "2026 void b", "void"),
            ("c", "2026", "running"),
        ]
        cursor.execute("SELECT array_agg(value ORDER BY value) FROM govopen_evidence")
        assert cursor.fetchone() == ([1, 2],)
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute(DUTIES, (["d"], ["running"]))
