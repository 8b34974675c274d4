"""What `status` takes for the last error of a part."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack.status_command import last_error


@pytest.mark.parametrize(
    ("part", "log", "expected"),
    [
        ("web", "a\n2026 ERROR [ckan] first\nb\n2026 ERROR [ckan] second\nc\n", "second"),
        ("web", "Traceback (most recent call last):\n  File x\nKeyError: 'k'\nok\n", "KeyError"),
        ("web", "all is well\nno errors here\n", ""),
        ("postgresql", "x FATAL:  the database system is starting up\n", ""),
        ("postgresql", "x ERROR:  relation of a client does not exist\n", ""),
        ("postgresql", "x FATAL:  could not write to file\nlater\n", "could not write"),
        ("solr", "字 ERROR 索引损坏\n", "索引损坏"),
    ],
)
def test_the_last_line_that_tells_of_an_error_is_shown(
    tmp_path: Path, part: str, log: str, expected: str
) -> None:
    path = tmp_path / "part.log"
    path.write_text(log, encoding="utf-8")
    found = last_error(path, part)
    assert (expected in found) if expected else (found == "")


def test_a_long_error_is_cut_and_a_missing_log_has_none(tmp_path: Path) -> None:
    path = tmp_path / "part.log"
    path.write_text("ERROR " + "x" * 5000 + "\n", encoding="utf-8")
    assert len(last_error(path, "web")) == 300
    assert last_error(tmp_path / "none.log", "web") == ""
