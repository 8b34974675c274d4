"""Small made-up cities for the rates: as plain dicts for the oracle, as facts for the product."""

from datetime import date, timedelta

from hypothesis import strategies as st

FIRST = date(2025, 1, 1)
LAST = date(2026, 6, 30)
UNITS = ("bureau", "office", "institute")
LINES = ("L1", "L2")


def day(text):
    return date.fromisoformat(text)


def unit(**given):
    plain = {
        "kind": "gov_organ",
        "level": "city",
        "from": day("2020-01-01"),
        "to": None,
        "in_scope": [(day("2020-01-01"), None)],
        "has_id": True,
        "first_inventory": None,
        "no_data": [],
        "successions": [],
        "dual_of": None,
        "parent": None,
    }
    return plain | given


def line(**given):
    plain = {
        "units": [(day("2025-01-01"), "bureau")],
        "status": [(day("2025-01-01"), "active")],
        "published_on": day("2025-01-01"),
        "open_type": [(day("2025-01-01"), "unconditional")],
        "first_load": True,
        "secrecy": "non_secret",
        "amounts": [],
        "merged": [],
        "legal_order": [],
        "catalog_visible": True,
        "revision_pending": False,
    }
    return plain | given


def dataset(**given):
    always = [(day("2020-01-01"), None)]
    plain = {
        "units": [(day("2025-01-01"), "bureau")],
        "published": [(day("2025-01-01"), None)],
        "open_type": [(day("2025-01-01"), "unconditional")],
        "distributions": [{"present": always, "failing": []}],
        "links": [("L1", day("2025-01-01"), None)],
        "repairs": [],
        "stale": [],
        "unanswerable": [],
        "duplicate": [],
        "legal_order": [],
        "revision_pending": False,
    }
    return plain | given


def world(units=None, resources=None, datasets=None):
    return {
        "units": {"bureau": unit()} if units is None else units,
        "resources": {"L1": line()} if resources is None else resources,
        "datasets": datasets or {},
    }


def facts_of(rates, city, parameters=None):
    """The product's facts of a city; `rates` is the module under test."""
    return rates.RateFacts(
        [_unit(rates, name, u) for name, u in city["units"].items()],
        [_line(rates, code, r) for code, r in city["resources"].items()],
        [_dataset(rates, name, d) for name, d in city["datasets"].items()],
        parameters or rates.DEFAULTS,
    )


def _ranges(rates, stretches):
    return tuple(rates.Range(a, b) for a, b in stretches)


def _unit(rates, name, u):
    return rates.UnitFacts(
        name,
        u["kind"],
        u["from"],
        valid_to=u["to"],
        level=u["level"],
        in_scope=_ranges(rates, u["in_scope"]),
        has_id=u["has_id"],
        first_inventory_on=u["first_inventory"],
        no_data=_ranges(rates, u["no_data"]),
        successions=tuple(rates.Succession(*each) for each in u["successions"]),
        dual_of=u["dual_of"],
        parent=u["parent"],
    )


def _line(rates, code, r):
    return rates.ResourceFacts(
        code,
        tuple(r["units"]),
        tuple(r["status"]),
        r["published_on"],
        tuple(r["open_type"]),
        first_load=r["first_load"],
        secrecy=r["secrecy"],
        amounts=tuple(rates.Amounts(*each) for each in r["amounts"]),
        merged=tuple(rates.Merge(rates.Range(a, b), into, why) for a, b, into, why in r["merged"]),
        legal_order=_ranges(rates, r["legal_order"]),
        catalog_visible=r["catalog_visible"],
        revision_pending=r["revision_pending"],
    )


def _dataset(rates, name, d):
    return rates.DatasetFacts(
        name,
        tuple(d["units"]),
        _ranges(rates, d["published"]),
        tuple(d["open_type"]),
        tuple(
            rates.DistributionFacts(_ranges(rates, x["present"]), _ranges(rates, x["failing"]))
            for x in d["distributions"]
        ),
        links=tuple(rates.Link(code, rates.Range(a, b)) for code, a, b in d["links"]),
        repairs=tuple(d["repairs"]),
        stale=tuple(
            rates.StaleRange(a, b, a + timedelta(days=max(2 * cycle, 180)))
            for a, b, cycle in d["stale"]
        ),
        unanswerable=_ranges(rates, d["unanswerable"]),
        duplicate=_ranges(rates, d["duplicate"]),
        legal_order=_ranges(rates, d["legal_order"]),
        revision_pending=d["revision_pending"],
    )


def rows_of(memberships, as_of):
    """The product's rows of a day in the shape of the oracle's; a doubled row is an error."""
    rows = {}
    for row in memberships:
        if row.from_on <= as_of and (row.to_on is None or as_of < row.to_on):
            key = (row.rate, row.variant, row.record, row.side)
            assert key not in rows, f"two rows for {key} on {as_of}"
            rows[key] = (row.unit_id, row.amount, row.reason)
    return rows


def difference(memberships, city, as_of, oracle_rows):
    """The first thing in which product and oracle differ on a day, or None."""
    ours, theirs = rows_of(memberships, as_of), oracle_rows(city, as_of)
    if ours.keys() != theirs.keys():
        return as_of, sorted(ours.keys() ^ theirs.keys())
    for key, (unit_id, amount, reason) in ours.items():
        their_unit, their_amount, may_be = theirs[key]
        if (unit_id, amount) != (their_unit, their_amount):
            return as_of, key, (unit_id, amount), (their_unit, their_amount)
        if may_be is not None and reason not in may_be:
            return as_of, key, reason, may_be
    return None


# --- random cities -------------------------------------------------------------------------------

DAYS = st.dates(FIRST - timedelta(days=120), LAST - timedelta(days=20))
NEAR = st.integers(1, 420)


@st.composite
def stretches(draw, most=2):
    """Separate stretches in order, the last one perhaps without end."""
    found, start = [], draw(DAYS)
    for _ in range(draw(st.integers(0, most))):
        end = start + timedelta(days=draw(st.one_of(st.integers(1, 14), NEAR)))
        found.append((start, end))
        start = end + timedelta(days=draw(st.one_of(st.integers(1, 14), NEAR)))
    if found and draw(st.booleans()):
        found[-1] = (found[-1][0], None)
    return found


def histories(values, least=1):
    return st.lists(
        st.tuples(DAYS, values), min_size=least, max_size=3, unique_by=lambda e: e[0]
    ).map(sorted)


def seldom(strategy, empty):
    return st.one_of(st.just(empty), st.just(empty), strategy)


ALWAYS = [(date(2020, 1, 1), None)]


@st.composite
def some_unit(draw, name):
    others = [other for other in UNITS if other != name]
    begin = draw(st.one_of(st.just(date(2020, 1, 1)), DAYS))
    end = draw(seldom(NEAR.map(lambda n: begin + timedelta(days=n)), None))
    succession = st.tuples(
        st.sampled_from(["merge_into", "abolish", "rename", "split_from"]),
        st.one_of(st.just(end or begin), DAYS),
        st.sampled_from([*others, None]),
    )
    kinds = ["gov_organ", "gov_organ", "public_institution", "public_institution", "vertical"]
    return unit(
        **{
            "kind": draw(st.sampled_from([*kinds, "mass_org"])),
            "level": draw(st.sampled_from(["city", "city", "county"])),
            "from": begin,
            "to": end,
            "in_scope": draw(st.one_of(st.just(ALWAYS), stretches())),
            "has_id": draw(st.sampled_from([True, True, False])),
            "first_inventory": draw(seldom(DAYS, None)),
            "no_data": draw(seldom(stretches(), [])),
            "successions": draw(st.lists(succession, max_size=1)),
            "dual_of": draw(seldom(seldom(st.sampled_from(others), None), None)),
            "parent": draw(seldom(st.sampled_from(others), None)),
        }
    )


@st.composite
def some_line(draw, code):
    other = next(each for each in LINES if each != code)
    merge = st.tuples(stretches(1), st.sampled_from(["duplicate", "grouped"])).map(
        lambda given: [(a, b, other, given[1]) for a, b in given[0]]
    )
    amounts = st.tuples(DAYS, st.integers(0, 9), st.integers(0, 90)).map(
        lambda given: (given[0], given[1], given[1] // 2, given[2], given[2] // 3)
    )
    statuses = st.sampled_from(["draft", "active", "active", "active", "retired"])
    types = st.sampled_from(["unconditional", "conditional", "withheld", "withheld"])
    return line(
        units=draw(histories(st.sampled_from(UNITS))),
        status=draw(histories(statuses)),
        published_on=draw(DAYS),
        open_type=draw(histories(types)),
        first_load=draw(st.booleans()),
        secrecy=draw(st.sampled_from(["non_secret"] * 5 + ["secret"])),
        amounts=draw(st.lists(amounts, max_size=2, unique_by=lambda e: e[0]).map(sorted)),
        merged=draw(seldom(merge, [])),
        legal_order=draw(seldom(stretches(1), [])),
    )


@st.composite
def some_dataset(draw):
    published = draw(st.one_of(st.just([(FIRST, None)]), stretches(3)))
    ends = [b for _, b in published if b]
    present = st.one_of(st.just(ALWAYS), stretches())
    distribution = st.fixed_dictionaries({"present": present, "failing": seldom(stretches(), [])})
    stale = stretches(1).flatmap(
        lambda found: st.sampled_from([1, 31, 120]).map(lambda c: [(a, b, c) for a, b in found])
    )
    links = st.tuples(st.sampled_from(LINES), stretches(1)).map(
        lambda given: [(given[0], a, b) for a, b in given[1]]
    )
    types = st.sampled_from(["unconditional", "conditional", "conditional", "withheld"])
    return dataset(
        units=draw(histories(st.sampled_from(UNITS))),
        published=published,
        open_type=draw(histories(types)),
        distributions=draw(st.lists(distribution, min_size=1, max_size=2)),
        links=draw(st.one_of(st.just([(code, FIRST, None) for code in LINES]), links)),
        repairs=draw(st.lists(st.sampled_from(ends), max_size=2)) if ends else [],
        stale=draw(seldom(stale, [])),
        unanswerable=draw(seldom(stretches(1), [])),
        duplicate=draw(seldom(stretches(1), [])),
        legal_order=draw(seldom(stretches(1), [])),
    )


@st.composite
def cities(draw):
    return world(
        units={name: draw(some_unit(name)) for name in UNITS},
        resources={code: draw(some_line(code)) for code in LINES},
        datasets={f"D{n}": draw(some_dataset()) for n in range(draw(st.integers(0, 2)))},
    )


# --- one fixed city in which every rule decides something ----------------------------------------


def _fixed_units():
    merge, split = day("2025-09-01"), day("2025-10-01")
    return {
        "bureau": unit(),
        "old": unit(to=merge, successions=[("merge_into", merge, "heir")]),
        "heir": unit(),
        "parted": unit(to=split, successions=[("abolish", split, "part")]),
        "part": unit(**{"from": split, "successions": [("split_from", split, "parted")]}),
        "gone": unit(to=day("2025-11-01"), successions=[("abolish", day("2025-11-01"), None)]),
        "loaded": unit(**{"from": day("2026-02-01"), "first_inventory": day("2026-02-20")}),
        "plate": unit(dual_of="bureau"),
        "tax": unit(kind="vertical"),
        "league": unit(kind="mass_org"),
        "empty": unit(no_data=[(day("2025-03-01"), day("2026-03-01"))]),
        "nameless": unit(has_id=False),
        "later": unit(in_scope=[(day("2025-06-01"), None)]),
        "centre": unit(kind="public_institution", has_id=False, parent="parent"),
        "parent": unit(),
        "rural": unit(kind="public_institution", has_id=False, parent="lone", level="county"),
        "lone": unit(),
        "court": unit(),
    }


def _fixed_lines():
    turn = day("2026-02-10")
    of = {name: line(units=[(FIRST, name)]) for name in _fixed_units()}
    late = {"status": [(day("2026-01-10"), "active")], "published_on": day("2026-01-10")}
    return {
        **of,
        "court": line(units=[(FIRST, "court")], open_type=[(FIRST, "withheld")]),
        "draft": line(status=[(FIRST, "draft"), (day("2025-04-01"), "active")]),
        "retired": line(status=[(FIRST, "active"), (day("2025-08-15"), "retired")]),
        "late": line(first_load=False, **late),
        "secret": line(secrecy="secret"),
        "twice": line(merged=[(FIRST, None, "original", "duplicate")]),
        "original": line(),
        "beside": line(),
        "sized": line(amounts=[(FIRST, 20, 12, 1000, 250), (day("2026-01-01"), 20, 18, 1200, 300)]),
        "closed": line(
            open_type=[
                (FIRST, "unconditional"),
                (turn, "withheld"),
                (turn + timedelta(days=9), "withheld"),
            ]
        ),
        "never": line(open_type=[(FIRST, "withheld")]),
        "ordered": line(legal_order=[(day("2025-05-01"), day("2025-07-01"))]),
        **{f"set{n}": line() for n in range(10)},
    }


def _fixed_datasets():
    def opening(code, **given):
        return dataset(links=[(code, FIRST, None)], **given)

    own = ("bureau", "old", "parted", "gone", "plate", "centre", "rural", "later", "twice", "sized")
    of = {
        f"of {name}": opening(name, units=[(FIRST, name if name in _fixed_units() else "bureau")])
        for name in own
    }
    conditional = [(FIRST, "conditional")]
    stop, back = day("2025-03-01"), day("2025-03-25")
    repairs = [day(f"2025-{month:02}-01") for month in (5, 6, 7, 8)]
    public = [
        (a, b)
        for a, b in zip(
            [FIRST, *(r + timedelta(days=10) for r in repairs)], [*repairs, None], strict=True
        )
    ]
    link = {"present": ALWAYS, "failing": [(day("2025-03-01"), day("2025-04-01"))]}
    return {
        **of,
        "withdrawn": opening("set0", published=[(FIRST, stop), (back, None)]),
        "repaired": opening("set1", published=[(FIRST, stop), (back, None)], repairs=[stop]),
        "often": opening("set2", published=public, repairs=repairs),
        "asked": opening(
            "set3", open_type=conditional, unanswerable=[(day("2025-06-01"), day("2025-07-01"))]
        ),
        "monthly": opening("set4", stale=[(day("2025-02-01"), None, 31)]),
        "slow": opening("set5", stale=[(day("2025-02-01"), None, 120)]),
        "file and link": opening("beside", distributions=[link, *dataset()["distributions"]]),
        "linked": opening("set6", distributions=[link]),
        "scan": opening("set7", distributions=[{"present": [], "failing": []}]),
        "taken": opening("set8", legal_order=[(day("2025-05-01"), day("2025-07-01"))]),
        "withheld": opening("set9", open_type=[(FIRST, "conditional"), (stop, "withheld")]),
        "early": opening("draft"),
        "mirror": opening("lone", units=[(FIRST, "lone")], duplicate=[(FIRST, None)]),
        "no line": opening("nothing", units=[(FIRST, "heir")], published=[(FIRST, stop)]),
        "open to closed": opening("closed", published=[(FIRST, day("2026-02-10"))]),
        "opens never": opening("never", open_type=conditional),
        "parent's": opening("parent", units=[(day("2026-05-01"), "parent")]),
        "empty's": opening("empty", units=[(FIRST, "empty")]),
    }


def fixed_city():
    """A city of 18 units, 39 lines and 28 datasets; the same on every run."""
    return world(_fixed_units(), _fixed_lines(), _fixed_datasets())
