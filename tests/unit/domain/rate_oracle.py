"""A second reading of the rules for the two rates, day by day, to compare the product with.

Written from the rules in words (docs/en/administrator.md) and from nothing else: it imports no line
of the product, knows no date ranges of its own and asks every day anew. Facts are plain
dicts; a stretch of days is a pair (first day, first day after it or None).
"""

from datetime import timedelta

DAY = timedelta(days=1)
UNIT_KINDS = {"gov_organ", "public_institution", "authorized_org"}
UNIT_VARIANTS = ("headline", "strict", "effective")
DATA_VARIANTS = ("headline", "openable", "items", "volume", "effective", "unconditional")


def inside(stretches, day):
    return any(a <= day and (b is None or day < b) for a, b in stretches)


def latest(history, day):
    said = [value for since, *value in history if since <= day]
    return said[-1] if said else None


def word(history, day):
    said = latest(history, day)
    return said[0] if said else None


def quarter_of(day):
    return day.year, (day.month - 1) // 3


# --- units ---------------------------------------------------------------------------------------


def exists(unit, day):
    return unit["from"] <= day and not (unit["to"] and day >= unit["to"])


def answering_unit(world, name, day, steps=0):
    """Publisher by succession; another name of a unit is that unit."""
    unit = world["units"].get(name)
    if unit is None or steps > len(world["units"]):
        return None
    if unit["dual_of"]:
        return answering_unit(world, unit["dual_of"], day, steps + 1)
    if exists(unit, day):
        return name
    heirs = [
        (on, other)
        for kind, on, other in unit["successions"]
        if kind in {"merge_into", "abolish"} and other and on <= day
    ]
    return answering_unit(world, max(heirs)[1], day, steps + 1) if heirs else None


def credited(world, name, day):
    """A subordinate institution with its own code and in scope counts itself, else its parent."""
    name = answering_unit(world, name, day)
    passed = []
    while name is not None and name not in passed:
        passed.append(name)
        unit = world["units"][name]
        counts = unit["has_id"] and inside(unit["in_scope"], day)
        if unit["kind"] != "public_institution" or counts:
            break
        above = answering_unit(world, unit["parent"], day) if unit["parent"] else None
        if above is None or world["units"][above]["level"] != unit["level"]:
            break
        name = above
    return name


def reasons_against_unit(unit, day):
    against = set()
    if not exists(unit, day):
        merged = any(k == "merge_into" and on <= day for k, on, _ in unit["successions"])
        return {"unit_merged" if merged else "unit_abolished"}
    if unit["dual_of"]:
        against.add("dual_name")
    if unit["kind"] == "vertical":
        against.add("vertical_unit")
    elif unit["kind"] not in UNIT_KINDS:
        against.add("kind_not_counted")
    if not inside(unit["in_scope"], day):
        against.add("out_of_scope")
    if not unit["has_id"]:
        against.add("unit_without_id")
    loaded = unit["first_inventory"] is not None and unit["first_inventory"] <= day
    if (day - unit["from"]).days < 90 and not loaded:
        against.add("unit_grace")
    return against


# --- datasets ------------------------------------------------------------------------------------


def repair_days(dataset):
    """Days not public because of a repair: at most the first ten of each."""
    found = []
    for start in sorted(set(dataset["repairs"])):
        if start not in [b for _, b in dataset["published"]]:
            continue
        day = start
        while (day - start).days < 10 and not inside(dataset["published"], day):
            found.append(day)
            day += DAY
    return found


def is_public(dataset, day):
    if inside(dataset["published"], day):
        return True
    repairs = repair_days(dataset)
    earlier_this_year = [d for d in repairs if d.year == day.year and d < day]
    return day in repairs and len(earlier_this_year) < 30


def works(distribution, day):
    """Present, and not failing for more than seven days in a row, today included."""
    if not inside(distribution["present"], day):
        return False
    in_a_row, back = 0, day
    while in_a_row <= 7 and inside(distribution["failing"], back):
        # Two failures that touch are two runs only where a check succeeded between them.
        in_a_row += 1
        if any(a == back for a, _ in distribution["failing"]):
            break
        back -= DAY
    return in_a_row <= 7


def is_stale(dataset, day):
    return inside([(a, b) for a, b, _ in dataset["stale"]], day)


def is_dead(dataset, day):
    for a, b, cycle_days in dataset["stale"]:
        stale_for = (day - a).days + 1
        if inside([(a, b)], day) and stale_for > 2 * cycle_days and stale_for > 180:
            return True
    return False


def opens(dataset, day):
    """The open type in which a dataset opens its lines today, or None."""
    kind = word(dataset["open_type"], day)
    if inside(dataset["legal_order"], day) or not is_public(dataset, day):
        return None
    if inside(dataset["duplicate"], day) or kind not in {"unconditional", "conditional"}:
        return None
    if kind == "conditional" and inside(dataset["unanswerable"], day):
        return None
    if not any(works(each, day) for each in dataset["distributions"]):
        return None
    return None if is_dead(dataset, day) else kind


def linked(dataset, day):
    return [code for code, a, b in dataset["links"] if inside([(a, b)], day)]


def has_line(world, dataset, day):
    lines = [world["resources"].get(code) for code in linked(dataset, day)]
    return any(line and word(line["status"], day) == "active" for line in lines)


# --- inventory lines -----------------------------------------------------------------------------


def counted_under(world, code, day, steps=0):
    line = world["resources"].get(code)
    if line is None or steps > len(world["resources"]):
        return None
    for a, b, into, _ in line["merged"]:
        if inside([(a, b)], day):
            return counted_under(world, into, day, steps + 1)
    return code


def reasons_against_line(world, code, day):
    line = world["resources"][code]
    against = set()
    if word(line["status"], day) == "retired":
        against.add("retired")
    against |= {reason for a, b, _, reason in line["merged"] if inside([(a, b)], day)}
    owner = answering_unit(world, word(line["units"], day), day)
    if owner is None:
        against.add("unit_not_valid")
    elif world["units"][owner]["kind"] == "vertical":
        against.add("vertical_unit")
    if inside(line["legal_order"], day):
        against.add("legal_order")
    if (day - line["published_on"]).days < 30 and not line["first_load"]:
        against.add("resource_grace")
    return against


def still_openable(line, day):
    """Withheld today; reclassified so within this quarter while it was active."""
    if word(line["open_type"], day) != "withheld":
        return False
    before = [kind for since, kind in line["open_type"] if since <= day and kind != "withheld"]
    changed = day
    while before and word(line["open_type"], changed - DAY) == "withheld":
        changed -= DAY
    active = word(line["status"], changed - DAY) == "active"
    return bool(before) and active and quarter_of(changed) == quarter_of(day)


# --- rows of a day -------------------------------------------------------------------------------


def rows_on(world, day):
    """{(rate, variant, record, side): (unit, amount, reasons that may stand there or None)}"""
    rows = {}
    for name in world["units"]:
        rows |= unit_rows(world, name, day)
    for code in world["resources"]:
        rows |= data_rows(world, code, day)
    return rows


def unit_rows(world, name, day):
    unit, rate, rows = world["units"][name], "open_unit_rate", {}
    if day < unit["from"]:
        return rows
    mine = [
        d
        for d in world["datasets"].values()
        if opens(d, day)
        and has_line(world, d, day)
        and credited(world, word(d["units"], day), day) == name
    ]
    for variant in UNIT_VARIANTS:
        against = reasons_against_unit(unit, day)
        if variant != "strict" and inside(unit["no_data"], day):
            against.add("no_data")
        if against:
            rows[rate, variant, name, "excluded"] = (name, 1, against)
            continue
        rows[rate, variant, name, "denominator"] = (name, 1, None)
        good = [d for d in mine if not (variant == "effective" and is_stale(d, day))]
        if good:
            kinds = {opens(d, day) for d in good}
            best = "unconditional" if "unconditional" in kinds else "conditional"
            rows[rate, variant, name, "numerator"] = (name, 1, {f"open_{best}"})
    return rows


def size_of(line, variant, day):
    """(what is open, what there is, reason against) of a line in a variant."""
    said = latest(line["amounts"], day) or [None, 0, None, 0]
    if variant == "items":
        return (said[1], said[0], None) if said[0] else (0, 0, "items_unknown")
    if variant == "volume":
        return (said[3], said[2], None) if said[2] else (0, 0, "rows_unknown")
    return 1, 1, None


def counts_in(variant, data, day):
    if variant == "effective":
        return not is_stale(data, day)
    return variant != "unconditional" or opens(data, day) == "unconditional"


def data_rows(world, code, day):
    line, rate, rows = world["resources"][code], "data_open_rate", {}
    if word(line["status"], day) not in {"active", "retired"} or line["secrecy"] != "non_secret":
        return rows
    given = word(line["units"], day) or ""
    unit = answering_unit(world, given, day) or given
    mine = [
        d
        for d in world["datasets"].values()
        if code in [counted_under(world, c, day) for c in linked(d, day)]
    ]
    opening = [d for d in mine if opens(d, day)]
    base = reasons_against_line(world, code, day)
    if not opening and any(inside(d["legal_order"], day) for d in mine):
        base.add("legal_order")
    withheld = word(line["open_type"], day) == "withheld" and not still_openable(line, day)
    for variant in DATA_VARIANTS:
        share, total, unknown = size_of(line, variant, day)
        against = base | ({unknown} if unknown else set())
        if variant == "openable" and withheld:
            against.add("withheld")
        if against:
            rows[rate, variant, code, "excluded"] = (unit, total, against)
            continue
        rows[rate, variant, code, "denominator"] = (unit, total, None)
        kinds = {opens(d, day) for d in opening if counts_in(variant, d, day)}
        if kinds and share:
            best = "unconditional" if "unconditional" in kinds else "conditional"
            rows[rate, variant, code, "numerator"] = (unit, share, {f"open_{best}"})
    return rows
