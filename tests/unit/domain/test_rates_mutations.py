"""The comparison with the oracle notices every small error that is planted into the rules."""

import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
import rate_oracle
from rate_worlds import FIRST, LAST, difference, facts_of, fixed_city

import ckanext.govopen.domain.rates as product

FOLDER = Path(product.__file__).parent
# In the order of their imports; the others of the feature decide no membership.
FILES = ("rate_facts", "rate_periods", "rates")
SOURCES = {name: (FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in FILES}
CITY = fixed_city()
DAYS = [FIRST - timedelta(days=5) + timedelta(days=n) for n in range((LAST - FIRST).days + 5)]

MUTATIONS = {
    "grace of a unit a day shorter": ("grace_days_unit: int = 90", "grace_days_unit: int = 89"),
    "grace of a line a day longer": ("grace_days_resource: int = 30", "grace_days_resource: int = 31"),
    "grace not ended by the first inventory": ("return min(full, unit.first_inventory_on or full)", "return full"),
    "grace of a line even in a first load": (" and not resource.first_load else", " else"),
    "failing link out a day early": ("failing_days: int = 7", "failing_days: int = 6"),
    "one broken link is enough": ("if all(_broken(", "if any(_broken("),
    "links never break": ('return "broken_link"', 'return ""'),
    "dead a day late": ("day in Range(each.dead_from, each.to_on)", "day > each.dead_from and day in Range(each.dead_from, each.to_on)"),
    "the dead stay": ('return "dead" if is_dead else ""', 'return ""'),
    "repair of eleven days": ("repair_days: int = 10", "repair_days: int = 11"),
    "repair without limit in the year": ("repair_days_year: int = 30", "repair_days_year: int = 300"),
    "every withdrawal is a repair": ("sorted(set(dataset.repairs))", "sorted({r.to_on for r in dataset.published if r.to_on})"),
    "conditional data left out": ("conditional_counts: bool = True", "conditional_counts: bool = False"),
    "unanswerable data counted": ('if open_type == "conditional" and', 'if open_type == "other" and'),
    "headline without withheld lines": ('if variant == "openable" and state.is_withheld', "if state.is_withheld"),
    "openable with withheld lines": ('if variant == "openable" and state.is_withheld', 'if variant == "none" and state.is_withheld'),
    "reclassified lines leave at once": ("return was_active and", "return False and"),
    "reclassified lines stay for a year": ('openable_period: str = "quarter"', 'openable_period: str = "year"'),
    "stale data in effective": ('if variant == "effective" and is_stale', 'if variant == "none" and is_stale'),
    "stale data out of headline": ('if variant == "effective" and is_stale', "if is_stale"),
    "conditional data in unconditional": ('if variant == "unconditional" and reason', 'if variant == "none" and reason'),
    "strict believes declarations": ('state.is_declared_empty and variant != "strict"', "state.is_declared_empty"),
    "declarations ignored": ('state.is_declared_empty and variant != "strict"', "False"),
    "vertical units counted": ("count_vertical: bool = False", "count_vertical: bool = True"),
    "mass organisations counted": ('unit_kinds: tuple[str, ...] = ("gov_organ",', 'unit_kinds: tuple[str, ...] = ("gov_organ", "mass_org",'),
    "scope not asked": ("if not _within(unit.in_scope, day):", "if False:"),
    "units without a code counted": ("if not unit.has_id:", "if False:"),
    "two names are two units": ('return "dual_name"', 'return ""'),
    "no successor inherits": ('step.kind in ("merge_into", "abolish")', 'step.kind in ("rename",)'),
    "a unit lives a day longer": ("return day in Range(unit.valid_from, unit.valid_to)", "return day in Range(unit.valid_from, unit.valid_to and unit.valid_to + days(1))"),
    "institutions do not roll up": ("if counts_itself or owner.kind not in", "if True or owner.kind not in"),
    "counties roll up to the city": ("if parent is None or parent.level != owner.level:", "if parent is None:"),
    "drafts counted": ('if status not in ("active", "retired")', 'if status not in ("draft", "active", "retired")'),
    "retired lines counted": ('if value_at(resource.status, day) == "retired":', "if False:"),
    "secret lines counted": (' or resource.secrecy != "non_secret":', ":"),
    "duplicates counted": ("    if merge is not None:\n        return merge.reason\n", ""),
    "a duplicate's dataset opens nothing": ("            return code\n        code = merge.into", "            return code\n        return None"),
    "mirrors give credit": ("if _within(dataset.duplicate, day):", "if False:"),
    "orders of law ignored for lines": ("if _within(resource.legal_order, day):", "if False:"),
    "a taken dataset leaves its line": ('if "legal_order" in reasons and not', 'if "none" in reasons and not'),
    "datasets without line open their unit": ("(during, (state.orphan or state.reason, state.is_stale))", "(during, (state.reason, state.is_stale))"),
    "scans are open": ('return "not_machine_readable"', 'return ""'),
    "all items of an open line count as open": ("return opened, total\n", "return total, total\n"),
    "a change of amounts is missed": ("    yield from (amounts.from_on for amounts in resource.amounts)\n", ""),
    "the end of a quarter is missed": ("        yield period_end(day, facts.parameters.openable_period) + days(1)\n", "        pass\n"),
    "the end of a grace is missed": ("    yield resource.published_on + days(facts.parameters.grace_days_resource)\n", ""),
    "the day of death is missed": ("    yield from (each.dead_from for each in dataset.stale if each.dead_from)\n", ""),
    "touching rows lose their middle": ("run[-1] = (says, run[-1][1], during.to_on)", "run[-1] = (says, during.from_on, during.to_on)"),
    "ranges include their end": ("return self.from_on <= day and (self.to_on is None or day < self.to_on)\n\n\nRanges", "return self.from_on <= day and (self.to_on is None or day <= self.to_on)\n\n\nRanges"),
}  # fmt: skip


@pytest.fixture(scope="module")
def oracle_rows():
    """The oracle's rows of every day, read once."""
    read = {as_of: rate_oracle.rows_on(CITY, as_of) for as_of in DAYS}
    return lambda _, as_of: read[as_of]


def module_from(sources):
    """The rules as modules of their own, so that the product's stay as they are."""
    names = [f"ckanext.govopen.domain.{name}" for name in sources]
    kept = {full: sys.modules[full] for full in names}
    try:
        for full, source in zip(names, sources.values(), strict=True):
            module = ModuleType(full)
            sys.modules[full] = module
            exec(compile(source, full, "exec"), module.__dict__)  # noqa: S102
    finally:
        sys.modules.update(kept)
    return module


def first_difference(module, oracle_rows):
    rows = module.all_memberships(facts_of(module, CITY))
    found = (difference(rows, CITY, as_of, oracle_rows) for as_of in DAYS)
    return next((each for each in found if each is not None), None)


def test_the_rules_as_they_stand_agree_with_the_oracle(oracle_rows):
    assert first_difference(module_from(SOURCES), oracle_rows) is None


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_error_is_noticed(name, oracle_rows):
    old, new = MUTATIONS[name]
    assert sum(source.count(old) for source in SOURCES.values()) == 1, "hit exactly one place"
    mutated = module_from({file: source.replace(old, new) for file, source in SOURCES.items()})
    try:
        noticed = first_difference(mutated, oracle_rows)
    except AssertionError as doubled_row:
        noticed = doubled_row
    assert noticed is not None
