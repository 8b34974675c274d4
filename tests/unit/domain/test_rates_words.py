"""Every code that the rates and the calendar can give has its words in Chinese and English."""

import re
from pathlib import Path

import pytest
import yaml
from rate_worlds import facts_of, fixed_city

import ckanext.govopen.domain.calendar as calendar
import ckanext.govopen.domain.rates as rates
from ckanext.govopen.domain.vocab import Term, Vocabulary

DATA = Path(rates.__file__).parents[1] / "data"
HAN = re.compile(r"[一-鿿]")


def load(path):
    return yaml.safe_load((DATA / path).read_text(encoding="utf-8"))


def vocabulary(name):
    data = load(f"vocab/{name}.yaml")
    assert data["name"] == name
    return Vocabulary(name, [Term(**term) for term in data["terms"]])


def codes_in(module, feature):
    folder, stem = Path(module.__file__).parent, feature.removesuffix("s")
    files = sorted(folder.glob(f"{stem}*.py"))
    source = "".join(file.read_text(encoding="utf-8") for file in files)
    assert source
    return set(re.findall(rf'"({feature}\.[EW]\d+)"', source))


@pytest.mark.parametrize(("module", "feature"), [(rates, "rates"), (calendar, "calendar")])
def test_every_finding_that_the_rules_give_has_its_words(module, feature):
    words = load(f"findings/{feature}.yaml")
    assert codes_in(module, feature) <= set(words)
    for code, entry in words.items():
        for part in ("title", "text"):
            assert HAN.search(entry[part]["zh"]), code
            assert not HAN.search(entry[part]["en"]), code
        zh, en = (set(re.findall(r"{(\w+)}", entry["text"][tongue])) for tongue in ("zh", "en"))
        assert zh == en, code
        assert "规则" in entry["text"]["zh"]
        assert "例" in entry["text"]["zh"]


def test_the_errors_of_the_rates_have_words():
    """E1 and E2 need none: figures come of rows alone, and nothing changes one that is frozen."""
    assert set(load("findings/rates.yaml")) == {f"rates.E{number}" for number in range(3, 7)}


def test_every_reason_has_its_words_and_no_word_is_left_over():
    assert set(vocabulary("rate_reason").codes) == set(rates.REASONS)


def test_the_rows_of_a_city_in_which_every_rule_decides_give_known_reasons_only():
    rows = rates.all_memberships(facts_of(rates, fixed_city()))
    given = {row.reason for row in rows}
    assert given <= set(rates.REASONS)
    seldom = {"grouped", "nothing_opened"}
    assert set(rates.REASONS) - given == seldom


def test_every_variant_is_explained_in_words():
    variants = vocabulary("rate_variant")
    assert set(variants.codes) == {
        f"{rate}.{variant}" for rate, names in rates.VARIANTS.items() for variant in names
    }
    for term in variants:
        assert HAN.search(str(term.extra["formula_zh"]))
        assert "÷" in str(term.extra["formula_en"])


def test_both_rates_have_a_name():
    assert set(vocabulary("rate").codes) == set(rates.VARIANTS)


DURATION = re.compile(r"P(?:(\d+)M)?(?:(\d+)D)?(?:T\d+H)?")


def test_the_cycles_are_those_of_the_vocabulary():
    """A day has no hours: one of the vocabulary counts as 0 days, 24 as one."""
    read = {}
    for term in vocabulary("update_cycle"):
        if "grace" not in term.extra:
            continue
        months, days = DURATION.fullmatch(term.extra["period"]).groups(default="0")
        grace = term.extra["grace"].replace("PT24H", "P1D")
        read[term.code] = rates.Cycle(int(months), int(days), int(grace[1:-1]))
    assert read == rates.CYCLES
