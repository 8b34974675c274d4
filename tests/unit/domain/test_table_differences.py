"""Two tables: what differs is counted exactly, and replaying it makes one out of the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckanext.govopen.domain import table_differences
from ckanext.govopen.domain.table_differences import (
    Table,
    TableDifference,
    TooManyRowsError,
    compare,
)

ALL = 10_000


def table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    return Table(tuple(names), lambda: iter(rows))


def over(names: Sequence[str], columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Counter:
    """Rows over some columns as a multiset, the slow and evident way."""
    places = [list(names).index(name) for name in columns]
    return Counter(tuple(row[place] for place in places) for row in rows)


def replay(found: TableDifference, old: Counter) -> Counter:
    """The new rows, made from the old ones by what was found."""
    rows = old.copy()
    for row in found.removed:
        rows[tuple(row)] -= 1
    for row in found.added:
        rows[tuple(row)] += 1
    place = found.columns.index(found.key) if found.key else 0
    for change in found.changed:
        before = next(row for row in rows if rows[row] > 0 and row[place] == change.key)
        after = list(before)
        for name, was, now in change.cells:
            assert after[found.columns.index(name)] == was
            after[found.columns.index(name)] = now
        rows[before] -= 1
        rows[tuple(after)] += 1
    return +rows


cells = st.sampled_from(["", "1", "2", "甲", "乙", "a\x00b", "1.5", "\u200b"])
widths = st.integers(1, 4)


@st.composite
def two_tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]], list[str], list[list[str]]]:
    names = ["编号", "名称", "泊位", "备注", "新列"]
    old_names = draw(st.permutations(names[:4]).map(lambda p: p[: draw(widths)]))
    new_names = draw(st.permutations(names).map(lambda p: p[: draw(widths)]))
    rows = st.lists(st.lists(cells, min_size=5, max_size=5), max_size=12)
    old, new = draw(rows), draw(rows)
    if draw(st.booleans()):  # often most rows are the same
        new = old[: len(old) // 2] + new[:2] + old[len(old) // 2 + 1 :]
    if draw(st.booleans()):  # and often something names them
        old = [[str(number), *row[1:]] for number, row in enumerate(old)]
        new = [[str(number * 2), *row[1:]] for number, row in enumerate(new)]
    return (
        list(old_names),
        [row[: len(old_names)] for row in old],
        list(new_names),
        [row[: len(new_names)] for row in new],
    )


@settings(max_examples=400, deadline=None)
@given(two_tables())
def test_replaying_what_differs_makes_the_new_table(tables: tuple) -> None:
    old_names, old, new_names, new = tables
    found = compare(table(old_names, old), table(new_names, new), shown=ALL)
    before = over(old_names, found.columns, old)
    after = over(new_names, found.columns, new)
    assert replay(found, before) == after
    assert (found.rows_old, found.rows_new) == (len(old), len(new))
    assert found.rows_added == len(found.added)
    assert found.rows_removed == len(found.removed)
    assert found.rows_changed == len(found.changed)
    assert found.cells_changed == sum(len(row.cells) for row in found.changed)
    assert all(row.cells for row in found.changed)
    assert set(found.columns_added) == set(new_names) - set(old_names)
    assert set(found.columns_removed) == set(old_names) - set(new_names)
    same_rows = [tuple(row[old_names.index(n)] for n in found.columns) for row in old] == [
        tuple(row[new_names.index(n)] for n in found.columns) for row in new
    ]
    if before == after:
        assert found.is_row_order_changed is not same_rows
    assert found.is_empty is (same_rows and old_names == new_names)


@settings(max_examples=100, deadline=None)
@given(two_tables(), st.integers(0, 3))
def test_counts_do_not_depend_on_how_many_rows_are_shown(tables: tuple, shown: int) -> None:
    old_names, old, new_names, new = tables
    few = compare(table(old_names, old), table(new_names, new), shown=shown)
    many = compare(table(old_names, old), table(new_names, new), shown=ALL)
    for name in ("rows_added", "rows_removed", "rows_changed", "cells_changed", "key"):
        assert getattr(few, name) == getattr(many, name)
    assert few.added == many.added[:shown]
    assert few.removed == many.removed[:shown]
    assert few.changed == many.changed[:shown]


NAMES = ("编号", "名称", "泊位")
OLD = (("1", "甲", "12"), ("2", "乙", "30"), ("3", "丙", "7"))


def test_a_changed_cell_is_found_by_the_column_that_names_the_rows() -> None:
    new = (("3", "丙", "7"), ("2", "乙", "31"), ("4", "丁", "9"))
    found = compare(table(NAMES, OLD), table(NAMES, new))
    assert found.key == "编号"
    assert [(row.key, row.cells) for row in found.changed] == [("2", (("泊位", "30", "31"),))]
    assert found.added == [["4", "丁", "9"]]
    assert found.removed == [["1", "甲", "12"]]
    assert (found.rows_changed, found.cells_changed) == (1, 1)


def test_without_a_name_a_changed_row_is_a_removed_and_an_added_one() -> None:
    old = (("甲", "1"), ("甲", "1"), ("甲", "2"))
    new = (("甲", "1"), ("甲", "2"), ("甲", "3"))
    found = compare(table(("区", "值"), old), table(("区", "值"), new))
    assert found.key is None
    assert (found.removed, found.added) == ([["甲", "1"]], [["甲", "3"]])


def test_other_order_of_rows_or_columns_alone_is_said() -> None:
    turned = compare(table(NAMES, OLD), table(NAMES, OLD[::-1]))
    assert turned.is_row_order_changed
    assert not turned.is_empty
    swapped = compare(table(NAMES, OLD), table(NAMES[::-1], [row[::-1] for row in OLD]))
    assert swapped.is_column_order_changed
    assert not swapped.is_row_order_changed


def test_a_new_column_leaves_the_rows_comparable() -> None:
    wider = [(*row, "x") for row in OLD]
    found = compare(table(NAMES, OLD), table((*NAMES, "备注"), wider))
    assert found.columns_added == ("备注",)
    assert (found.rows_added, found.rows_removed, found.rows_changed) == (0, 0, 0)


def test_numbers_that_become_text_are_said() -> None:
    new = [(*row[:2], f"约{row[2]}") for row in OLD]
    found = compare(table(NAMES, OLD), table(NAMES, new))
    assert found.kinds == (("泊位", "integer", "text"),)


def test_more_rows_than_are_compared_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_differences, "MAX_ROWS", 2)
    with pytest.raises(TooManyRowsError):
        compare(table(NAMES, OLD), table(NAMES, OLD))
