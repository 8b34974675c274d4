"""The recomputation script, run as a stranger would run it, gives the product's own figures."""

import csv
import json
import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from rate_worlds import FIRST, LAST, day, facts_of, fixed_city

import ckanext.govopen.domain.rates as rates

SCRIPT = Path(rates.__file__).parents[1] / "data/recompute/recompute_rates.py"
COLUMNS = ["rate", "variant", "record", "unit", "side", "amount", "reason", "from", "to"]
UR, DR = "open_unit_rate", "data_open_rate"


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(rows)
    return path


def cells(row):
    until = row.to_on.isoformat() if row.to_on else ""
    says = (row.rate, row.variant, row.record, row.unit_id, row.side, row.amount, row.reason)
    return [*says, row.from_on.isoformat(), until]


def run(*arguments):
    # -I -S: neither the environment nor any installed package can help the script.
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        env={"PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"},
    )


def random_rows(seed):
    """Random rows of the shape in which they are stored: a numerator beside its denominator."""
    dice = random.Random(seed)  # noqa: S311
    rows = []
    for rate, variants in rates.VARIANTS.items():
        for variant in variants:
            for number in range(dice.randint(1, 60)):
                start = FIRST + timedelta(days=dice.randint(0, 300))
                until = dice.choice([start + timedelta(days=dice.randint(1, 400)), None])
                total = dice.choice([1, dice.randint(1, 999)])
                unit_id = dice.choice(["市住建局", "市水务局", "u3"])
                kinds = [["excluded"], ["denominator"], ["denominator", "numerator"]]
                for side in dice.choice(kinds):
                    amount = dice.randint(1, total) if side == "numerator" else total
                    says = (rate, variant, f"R{number}", unit_id, side, amount, "因故,“停更”")
                    rows.append(rates.Membership(*says, start, until))
    return rows


def expected(rows, as_of, unit_id=None):
    scope = frozenset([unit_id]) if unit_id else None
    found = []
    for rate, variant in sorted({(row.rate, row.variant) for row in rows}):
        figure = rates.figure(rows, rate, variant, as_of, scope)
        found.append(
            {
                "rate": rate,
                "variant": variant,
                "as_of": as_of.isoformat(),
                "numerator": figure.numerator,
                "denominator": figure.denominator,
                "value": figure.value,
                "excluded": figure.excluded,
            }
        )
    return found


@pytest.mark.parametrize("seed", range(8))
def test_random_rows_give_the_same_figures(seed, tmp_path):
    rows = random_rows(seed)
    path = write(tmp_path / "rows.csv", map(cells, rows))
    for as_of in (FIRST, day("2025-06-30"), day("2025-12-31"), LAST):
        for unit_id in (None, "市住建局"):
            unit_option = ["--unit", unit_id] if unit_id else []
            answer = run(path, as_of, "--json", *unit_option)
            assert answer.returncode == 0, answer.stderr
            assert json.loads(answer.stdout) == expected(rows, as_of, unit_id)


def test_the_rows_of_a_whole_city_give_the_same_figures(tmp_path):
    rows = rates.all_memberships(facts_of(rates, fixed_city()))
    path = write(tmp_path / "rows.csv", map(cells, rows))
    answer = run(path, "2025-06-30", "--json")
    assert json.loads(answer.stdout) == expected(rows, day("2025-06-30"))
    assert len(json.loads(answer.stdout)) == 9


def test_the_table_shows_null_for_a_zero_denominator_and_halves_rounded_up(tmp_path):
    member = [DR, "headline", "R1", "u", "excluded", 1, "withheld", "2026-01-01", ""]
    volume = [
        [DR, "volume", "R1", "u", "denominator", 2_000_000, "open", "2026-01-01", ""],
        [DR, "volume", "R1", "u", "numerator", 1, "open", "2026-01-01", "2026-02-01"],
    ]
    answer = run(write(tmp_path / "rows.csv", [member, *volume]), "2026-01-31")
    assert answer.stdout.splitlines() == [
        "rate\tvariant\tas_of\tnumerator\tdenominator\tvalue\texcluded",
        "data_open_rate\theadline\t2026-01-31\t0\t0\tnull\t1",
        "data_open_rate\tvolume\t2026-01-31\t1\t2000000\t0.000001\t0",
    ]


GOOD = [UR, "headline", "u", "u", "denominator", 1, "open", "2026-01-01", ""]


@pytest.mark.parametrize(
    ("rows", "code", "says"),
    [
        (
            [GOOD, [UR, "headline", "v", "v", "numerator", 1, "open", "2026-01-01", ""]],
            1,
            "分子不在分母内",
        ),
        ([GOOD, GOOD], 1, "重复"),
        (
            [GOOD, [UR, "headline", "u", "u", "excluded", 1, "x", "2026-01-01", ""]],
            1,
            "既计入又排除",
        ),
        ([[UR, "headline", "u", "u", "excluded", 1, "", "2026-01-01", ""]], 1, "排除无理由"),
        ([[UR, "headline", "u", "u", "denominator", 1, "open", "2026-02-30", ""]], 2, "第 2 行"),
        ([[UR, "headline", "u", "u", "left", 1, "open", "2026-01-01", ""]], 2, "side = left"),
    ],
)
def test_rows_that_cannot_be_true_or_read_are_refused(rows, code, says, tmp_path):
    answer = run(write(tmp_path / "rows.csv", rows), "2026-03-31")
    assert (answer.returncode, answer.stdout) == (code, "")
    assert says in answer.stderr


@pytest.mark.parametrize(
    ("side", "missing"),
    [("numerator", "denominator"), ("denominator", "numerator"), ("excluded", "numerator")],
)
def test_one_side_of_one_figure_is_refused_and_the_other_named(side, missing, tmp_path):
    row = [DR, "headline", "R1", "u", side, 1, "open", "2026-01-01", ""]
    answer = run(write(tmp_path / "rates-rows.csv", [row]), "2026-03-31")
    assert (answer.returncode, answer.stdout) == (2, "")
    english, chinese = answer.stderr.splitlines()
    assert f"missing: {missing}" in english
    assert f"缺少：{missing}" in chinese
    assert "members.csv" in english
    assert "members.csv" in chinese


def test_both_sides_below_one_header_are_a_figure(tmp_path):
    sides = [
        [DR, "headline", "R1", "u", side, 1, "open", "2026-01-01", ""]
        for side in ("numerator", "denominator")
    ]
    answer = run(write(tmp_path / "rows.csv", sides), "2026-03-31", "--json")
    assert json.loads(answer.stdout)[0]["value"] == "1.000000"


def test_a_whole_export_in_which_nothing_is_open_is_a_zero(tmp_path):
    rows = [
        [UR, variant, "u", "u", "denominator", 1, "nothing_open", "2026-01-01", ""]
        for variant in ("headline", "strict", "effective")
    ]
    answer = run(write(tmp_path / "members.csv", rows), "2026-03-31", "--json")
    assert [figure["value"] for figure in json.loads(answer.stdout)] == ["0.000000"] * 3


def test_the_export_of_an_empty_city_has_no_figures(tmp_path):
    answer = run(write(tmp_path / "members.csv", []), "2026-03-31", "--json")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, [])


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("rate,variant,record,side,amount,reason,from,to\n", encoding="utf-8")
    answer = run(path, "2026-03-31")
    assert (answer.returncode, "unit" in answer.stderr) == (2, True)


def test_the_usage_is_in_both_languages():
    answer = run("--help")
    assert answer.returncode == 0
    assert "Recomputes the opening rates" in answer.stdout
    assert "由导出的成员行复算开放率" in answer.stdout


def test_the_script_imports_nothing_of_the_product():
    source = SCRIPT.read_text(encoding="utf-8")
    assert "ckan" not in source
    assert "govopen" not in source
