"""What a register said on any day, as known at any moment, kept as a clerk would keep it.

Written from the rules in words (docs/decisions/012) and from nothing else; no line of the product
is imported, and nothing is derived but by replaying every published row on every single day.

A history is a list of versions in the order of their publishing:

    {"number": 1, "effective_on": date, "approved_on": date or None, "published_at": datetime,
     "rows": [{"entry": "A1", "kind": "add", "status": "in_force", "fields": {...},
               "corrects": None or the number of a version}]}
"""

from datetime import timedelta

from oracles.workdays import Days

DAY = timedelta(days=1)
SHOWN = ("in_force", "suspended")
# working days from the approval of an adjustment to its publishing (京人社办发〔2016〕179号 一.12)
TERM = 10


def effective_on(history, version, row):
    """A correction acts on the valid time of the row that it mends, everything else on its own."""
    if row["kind"] != "correct":
        return version["effective_on"]
    mended = history[row["corrects"] - 1]
    found = next(each for each in mended["rows"] if each["entry"] == row["entry"])
    return effective_on(history, mended, found)


def page_of_a_day(history, day, known_at=None):
    """What stands on the page of one day: row after row is pasted over what it replaces.

    A row is pasted in when it had begun by that day, over anything that did not begin later.
    """
    page = {}
    for version in history:
        if known_at is not None and version["published_at"] > known_at:
            continue
        for row in version["rows"]:
            begins = effective_on(history, version, row)
            standing = page.get(row["entry"])
            if begins <= day and (standing is None or standing[0] <= begins):
                page[row["entry"]] = (begins, version["number"], row)
    return page


def the_list(history, day, known_at=None):
    """The entries in force on a day: status, fields, version and first day by entry."""
    return {
        entry: {**row, "number": number, "effective_on": begins}
        for entry, (begins, number, row) in page_of_a_day(history, day, known_at).items()
        if row["status"] in SHOWN
    }


def difference(history, first, second, known_at=None):
    """Entries only in the second list, only in the first, and fields that differ in both."""
    old, new = the_list(history, first, known_at), the_list(history, second, known_at)
    changed = {
        entry: fields
        for entry in old.keys() & new.keys()
        if (fields := fields_that_differ(old[entry]["fields"], new[entry]["fields"]))
    }
    return sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys()), changed


def fields_that_differ(old, new):
    return {
        name: (old.get(name), new.get(name))
        for name in old.keys() | new.keys()
        if old.get(name) != new.get(name)
    }


def notice(history, number):
    """Each row of a version with what stood before it on its first day, and what stands now.

    Corrections are listed apart and counted in no kind.
    """
    version, before, after = history[number - 1], history[: number - 1], history[:number]
    rows, corrections, counts = [], [], {}
    for row in sorted(version["rows"], key=lambda each: each["entry"]):
        begins = effective_on(history, version, row)
        told = {
            "entry": row["entry"],
            "kind": row["kind"],
            "before": standing_fields(before, begins, row["entry"]),
            "after": standing_fields(after, begins, row["entry"]),
        }
        if row["kind"] == "correct":
            corrections.append(told)
        else:
            rows.append(told)
            counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    return {"counts": counts, "rows": rows, "corrections": corrections}


def standing_fields(history, day, entry):
    standing = the_list(history, day).get(entry)
    return standing["fields"] if standing else None


def due_on(version, days=None):
    """Ten working days after the approval's date, or after the first day without one."""
    return (days or Days()).due(version["approved_on"] or version["effective_on"], TERM)[0]


def late_publications(history, zone, days=None):
    """How many days late each version became public, by its number; those in time are left out."""
    late = {}
    for version in history:
        by = (version["published_at"].astimezone(zone).date() - due_on(version, days)).days
        if by > 0:
            late[version["number"]] = by
    return late
