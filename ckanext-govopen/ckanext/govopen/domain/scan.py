"""The verdict of the scan: columns of a table, lines of a text, and what stands in the end.

Every cell is looked at, none is sampled. Words and markings stand by themselves; a number that
chance could make is believed when a heading or a word says so, or when far more of its column pass
the check than chance would let through (docs/decisions/010). Values leave this module masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest
from math import comb
from operator import itemgetter
from typing import NamedTuple

from ckanext.govopen.domain import scan_patterns as patterns
from ckanext.govopen.domain.intake import column_letter
from ckanext.govopen.domain.scan_facts import CsvLines, Facts, Table
from ckanext.govopen.domain.scan_find import Match, found_in, matches
from ckanext.govopen.domain.scan_patterns import PATTERNS
from ckanext.govopen.domain.scan_read import Find
from ckanext.govopen.domain.scan_shape import BARE, COUNTER, KEYED, OTHER, PROSE
from ckanext.govopen.domain.scan_text import fold, fold_each

# Changes when a finding may change: a file is scanned again by a newer one.
VERSION = "2"

VALUES_KEPT = 50  # more different values than this are no list of office numbers
LISTED = frozenset({"mobile", "bankcard"})  # patterns with lawful values that a unit can list
CELLS_KEPT = 50  # places of a hit that are kept; the number of hits is exact
_HEADING_ROWS = 10
_TOP_LINES = 5
_TOP_OF_TEXT = 10
_SHORT_LINE = 20
_FEW = 5
_UNLIKELY = 0.01
_UNLIKELY_IN_MANY = 0.001
_MANY = 20
_LIKE_A_CARD = 1 / 1000  # of long numbers that begin with 62 and have the right last digit
_TITLES = frozenset({"internal_mark", "draft_mark"})  # they say most where a title stands
_ADDRESS_SHARE = 0.3
_NAME_SHOWN = 60


class Place(NamedTuple):
    """Where a value stands, and how it is shown."""

    row: int
    cell: str | None
    masked: str


@dataclass(frozen=True)
class Hit:
    """One pattern in one column, or in the lines of one part of a document.

    Args:
        sheet: sheet or part of the document; None for a plain table.
        column_no: from 0; None for lines.
        column_name: heading, masked like everything else.
        hits, rows: number of values, number of rows that were looked at.
        places: the first `CELLS_KEPT` of them.
        values: the different values themselves, when they are few enough to be lawful ones that
            are on a list; never stored, never shown.
    """

    pattern: str
    severity: str
    sheet: str | None
    column_no: int | None
    column_name: str | None
    hits: int
    rows: int
    places: tuple[Place, ...] = ()
    values: frozenset[str] = field(default=frozenset(), repr=False)


@dataclass(frozen=True)
class Unread:
    """A part that nobody could look at: it counts as a high hit (docs/decisions/010)."""

    part: str
    reason: str


@dataclass(slots=True)
class _Tally:
    """Values of one pattern with one kind of evidence.

    Args:
        first: row of the first, and how many were counted before it.
        places: row and value of those that pass.
        is_full: so many places are known that no further one is kept.
    """

    first: tuple[int, int]
    shaped: int = 0
    passed: int = 0
    is_full: bool = False
    places: list[tuple[int, str]] = field(default_factory=list, repr=False)
    values: set[str] = field(default_factory=set, repr=False)


class Column:
    """The values of one column, fed in blocks of cells.

    Args:
        number: from 0; None for the lines of a text.
        heading: what stands above the column.
    """

    def __init__(self, sheet: str | None, number: int | None, heading: str = "") -> None:
        self.sheet, self.number = sheet, number
        self.heading = fold(heading)
        self.rows = 0
        # A spreadsheet that keeps these as numbers has lost their last digits: the form is enough.
        self._is_certain = patterns.CERTAIN_ID_WORDS.search(self.heading) is not None
        self._tallies: dict[tuple[str, str], _Tally] = {}
        self._counted = 0

    @cached_property
    def name(self) -> str:
        """The heading as it is shown."""
        return _masked_name(self.heading)

    def feed(self, cells: Sequence[str], first_row: int) -> None:
        """Looks at further cells, the first of which stands in row `first_row` (from 0)."""
        self.rows = max(self.rows, first_row + len(cells))
        texts, finds = found_in(cells)
        if self.number is None:
            for match, index in _in_order(finds):
                self.note(match, first_row + index, texts[index])
        else:
            for find in finds:
                self._note_all(find, first_row, texts)
        for tally in self._tallies.values():
            if len(tally.places) > CELLS_KEPT:
                tally.places.sort(key=_row)
                del tally.places[CELLS_KEPT:]
            tally.is_full = len(tally.places) == CELLS_KEPT

    def _note_all(self, find: Find, first_row: int, texts: Sequence[str]) -> None:
        """Counts values of one kind at once, where nothing is left to judge about each of them."""
        if find.code in _TITLES or len(find.values[0][1]) == 15:
            for index, value in find.values:
                match = Match(find.code, value, find.start, find.end, find.evidence, find.passes)
                self.note(match, first_row + index, texts[index])
            return
        values = [(first_row + index, value) for index, value in find.values]
        self._count(find.code, find.evidence, values, passes=find.passes)

    def note(self, match: Match, row: int, text: str) -> None:
        """Counts one value."""
        code, evidence = self._judged(match, row, text)
        self._count(code, evidence, [(row, match.value)], passes=match.passes)

    def _count(
        self, code: str, evidence: str, values: list[tuple[int, str]], *, passes: bool
    ) -> None:
        first = values[0][0], self._counted
        self._counted += 1
        tally = self._tallies.get((code, evidence))
        if tally is None:
            tally = self._tallies[code, evidence] = _Tally(first)
        elif first < tally.first:
            tally.first = first
        tally.shaped += len(values)
        if passes or (self._is_certain and code in ("id18", "residence")):
            tally.passed += len(values)
            if code in LISTED and len(tally.values) <= VALUES_KEPT:
                tally.values.update(value for _, value in values)
            if not tally.is_full:
                tally.places += values

    def _judged(self, match: Match, row: int, text: str) -> tuple[str, str]:
        """The pattern and evidence that count, now that place and text around are known."""
        if match.code in ("id15", "bankcard") and len(match.value) == 15:
            return self._of_fifteen(match)
        if match.code in _TITLES:
            is_title = len(text) <= _SHORT_LINE or row < _TOP_OF_TEXT
            in_table = self.number is not None and row >= _TOP_LINES
            return match.code, KEYED if is_title and not in_table else PROSE
        if match.evidence in (BARE, OTHER) and self.number is None:
            return match.code, PROSE
        return match.code, match.evidence

    def _of_fifteen(self, match: Match) -> tuple[str, str]:
        """15 digits are an old identity number, or a card where heading or words say so."""
        if match.code == "id15" and self._speaks_of("id15"):
            return "id15", KEYED
        if self._speaks_of("bankcard") and patterns.is_card_shaped(match.value):
            return ("bankcard", KEYED) if patterns.passes_luhn(match.value) else ("id15", BARE)
        if match.code == "bankcard" and match.evidence != KEYED:
            return "bankcard", COUNTER
        return match.code, match.evidence

    def _places(self, code: str, found: Iterable[tuple[int, str]]) -> Iterator[Place]:
        mask = PATTERNS[code].mask
        letter = None if self.number is None else column_letter(self.number)
        for row, value in found:
            yield Place(row + 1, letter and f"{letter}{row + 1}", mask(value))

    def note_mark(self, row: int, text: str) -> None:
        """A classification that stands alone on a line."""
        self._count("secret_mark", KEYED, [(row, text.strip())], passes=True)

    def hits(self) -> list[Hit]:
        """The findings that stand."""
        in_order = sorted(self._tallies, key=lambda one: self._tallies[one].first)
        codes = dict.fromkeys(code for code, _ in in_order)
        return [hit for code in codes if (hit := self._hit(code)) is not None]

    def _hit(self, code: str) -> Hit | None:
        believed = [
            (evidence, tally)
            for (one, evidence), tally in self._tallies.items()
            if one == code and tally.passed and self._is_believed(code, evidence, tally)
        ]
        if not believed:
            return None
        places = sorted((place for _, tally in believed for place in tally.places), key=_row)
        return Hit(
            code,
            _severity(code, {evidence for evidence, _ in believed}, self._speaks_of(code)),
            self.sheet,
            self.number,
            self.name or None,
            sum(tally.passed for _, tally in believed),
            self.rows,
            tuple(self._places(code, places[:CELLS_KEPT])),
            _few(value for _, tally in believed for value in tally.values),
        )

    def _is_one_of_many(self, cards: _Tally) -> bool:
        """Among many long numbers of another kind some begin like cards by chance."""
        others = self._tallies.get(("bankcard", OTHER))
        if others is None or others.shaped < _MANY:
            return False
        return _tail(others.shaped + cards.shaped, cards.passed, _LIKE_A_CARD) >= _UNLIKELY

    def _speaks_of(self, code: str) -> bool:
        words = PATTERNS[code].words
        return words is not None and words.search(self.heading) is not None

    def _is_believed(self, code: str, evidence: str, tally: _Tally) -> bool:
        pattern = PATTERNS[code]
        if code == "id15":
            return evidence == KEYED or self._speaks_of(code)
        if not pattern.chance or evidence == KEYED or self._speaks_of(code):
            return True
        if code == "mobile" and evidence == PROSE:
            return True
        if evidence == OTHER:
            return tally.passed * 2 >= tally.shaped
        if code == "bankcard" and evidence == BARE and self._is_one_of_many(tally):
            return False
        counts_things = patterns.NUMBER_WORDS.search(self.heading) is not None
        return is_no_chance(
            tally.shaped,
            tally.passed,
            pattern.chance,
            is_counter=evidence == COUNTER or counts_things,
            in_prose=evidence == PROSE,
        )


_row = itemgetter(0)


def _in_order(finds: Iterable[Find]) -> list[tuple[Match, int]]:
    """Values one by one, as they stand in the lines."""
    found = [
        (Match(find.code, value, find.start, find.end, find.evidence, find.passes), index)
        for find in finds
        for index, value in find.values
    ]
    return sorted(found, key=lambda one: one[1])


def is_no_chance(
    shaped: int, passed: int, chance: float, *, is_counter: bool = False, in_prose: bool = False
) -> bool:
    """True when that many values that pass a check are more than chance lets through.

    Args:
        shaped, passed: values with the form, and those among them whose check is right.
        chance: share of values of that form which pass though they are something else.
        is_counter: heading or words say that these numbers count things.
        in_prose: each stands in a sentence, where a single true one must be found.
    """
    if not passed:
        return False
    if is_counter:
        return shaped >= _FEW and passed * 2 >= shaped
    if in_prose and shaped <= _FEW:
        return True
    if shaped <= 2:
        return passed == shaped
    unlikely = _UNLIKELY_IN_MANY if shaped > _MANY else _UNLIKELY
    return _tail(shaped, passed, chance) < unlikely


def _tail(trials: int, at_least: int, chance: float) -> float:
    """Probability of at least so many successes by chance; for many trials, a safe bound."""
    if trials > 400:
        mean = trials * chance
        spread = (mean * (1 - chance)) ** 0.5
        return 0.0 if at_least > mean + 5 * spread else 1.0
    return sum(
        comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
        for k in range(at_least, trials + 1)
    )


def _few(values: Iterable[str]) -> frozenset[str]:
    found = frozenset(values)
    return found if len(found) <= VALUES_KEPT else frozenset()


def _severity(code: str, evidence: set[str], is_named: bool) -> str:
    severity = PATTERNS[code].severity
    if code == "passport" and not is_named and KEYED not in evidence:
        return "info"
    if code == "internal_mark" and KEYED not in evidence:
        return "med"
    if code in ("draft_mark", "sensitive_topic", "email") and KEYED not in evidence:
        return "info"
    return severity


def _masked_name(name: str) -> str:
    """A heading, with whatever a pattern finds in it masked."""
    return masked(name)[:_NAME_SHOWN]


def masked(text: str) -> str:
    """A text in which every value that a pattern finds is masked, whatever its verdict."""
    plain = fold(text)
    found = [one for one in matches(plain) if one.code not in SHOWN]
    for one in sorted(found, key=lambda each: each.start, reverse=True):
        plain = plain[: one.start] + PATTERNS[one.code].mask(one.value) + plain[one.end :]
    return plain


# Words that stay as they are: masked, nobody could judge them.
SHOWN = frozenset({"secret_mark", "internal_mark", "draft_mark", "sensitive_topic"})


class Sheet:
    """One table, fed in blocks of rows; headings are found in its first rows."""

    def __init__(self, name: str | None) -> None:
        self.name = None if name is None else masked(name)
        self.rows = self.cells = 0
        self._columns: list[Column] = []
        self._homes: dict[int, list[int]] = {}
        self._facts = Facts((), None, ())
        self.lines: CsvLines | None = None  # of a CSV

    def feed(self, rows: Sequence[Sequence[str]]) -> None:
        """Looks at further rows of texts."""
        if not rows:
            return
        if not self._columns:
            self._begin(rows[:_HEADING_ROWS])
        columns = (
            list(zip(*rows, strict=True))
            if len({len(row) for row in rows}) == 1
            else list(zip_longest(*rows, fillvalue=""))
        )
        while len(self._columns) < len(columns):
            self._columns.append(Column(self.name, len(self._columns)))
        for column, cells in zip(self._columns, columns, strict=False):
            column.feed(cells, self.rows)
        for number, counts in self._homes.items():
            if number < len(columns):
                _count_addresses(columns[number], counts)
        self._facts.feed(rows, columns)
        self.rows += len(rows)
        self.cells += sum(map(len, rows))

    def _begin(self, top: Sequence[Sequence[str]]) -> None:
        row = heading_row(top)
        width = max(map(len, top))
        above = [] if row is None else top[: row + 1]
        for number in range(width):
            heading = " ".join(line[number] for line in above if number < len(line)).strip()
            self._columns.append(Column(self.name, number, heading))
            if patterns.HOME_WORDS.search(fold(heading)):
                self._homes[number] = [0, 0]
        for number, line in enumerate(top[:_TOP_LINES]):
            filled = [(at, cell) for at, cell in enumerate(line) if cell.strip()]
            if len(filled) == 1 and patterns.BARE_MARK.fullmatch(fold(filled[0][1])):
                self._columns[filled[0][0]].note_mark(number, filled[0][1])
        self._facts = Facts(top, row, [one.heading for one in self._columns])

    def table(self) -> Table:
        """What the checks of a dataset ask for; names are masked as headings are."""
        found = self._facts.table(self.name, [_masked_name(name) for name in self._facts.names])
        return found if self.lines is None else self.lines.noted(found)

    def headings(self) -> Iterator[str]:
        """What stands above the columns, masked; nothing where the table begins with its rows."""
        return (one.name for one in self._columns if one.heading)

    def hits(self) -> list[Hit]:
        """The findings of all columns, and those that take more than one."""
        names_people = any(patterns.PERSON_NAME_WORDS.search(one.heading) for one in self._columns)
        found = [hit for column in self._columns for hit in column.hits()]
        is_of_people = names_people or any(hit.pattern in ("id18", "mobile") for hit in found)
        found = [
            _regraded(hit, "high" if is_of_people else "info")
            if hit.pattern == "sensitive_topic"
            else hit
            for hit in found
        ]
        if names_people:
            found += self._home_hits()
        return found

    def _home_hits(self) -> Iterator[Hit]:
        for number, (addresses, filled) in self._homes.items():
            if addresses and addresses >= filled * _ADDRESS_SHARE:
                name = self._columns[number].name
                yield Hit("name_address", "high", self.name, number, name, addresses, self.rows)


def _regraded(hit: Hit, severity: str) -> Hit:
    return Hit(**{**hit.__dict__, "severity": severity})


def _count_addresses(cells: Sequence[str], counts: list[int]) -> None:
    filled = [cell for cell in cells if cell.strip()]
    texts = fold_each(filled)
    counts[0] += sum(patterns.ADDRESS.search(text) is not None for text in texts)
    counts[1] += len(filled)


def heading_row(top: Sequence[Sequence[str]]) -> int | None:
    """Index of the row with the headings: short texts, most cells filled, none of them a number."""
    filled = [[cell.strip() for cell in row if cell.strip()] for row in top]
    most = max(map(len, filled), default=0)
    for number, cells in enumerate(filled):
        if (
            cells
            and len(cells) >= most * 0.6
            and all(len(cell) <= 40 and _NUMBER.fullmatch(cell) is None for cell in cells)
        ):
            return number
    return None


_NUMBER = re.compile(r"[-+0-9.,%/: Xx]*[0-9][-+0-9.,%/: Xx]*")


_HEAD = re.compile(r"\s*([0-9][0-9 -]*[0-9]?[Xx]?)(?![0-9A-Za-z])")
_TAIL = re.compile(r"(?<![0-9A-Za-z.])[0-9][0-9 -]{2,20}$")
_CHECKED = frozenset({"id18", "residence", "id_embed", "bankcard"})


class Lines:
    """Lines or paragraphs of one part of a document."""

    def __init__(self, name: str | None, heading: str = "") -> None:
        self._column = Column(None if name is None else masked(name), None, heading)
        self._tail = ""
        self.rows = self.cells = 0

    def feed(self, lines: Sequence[str]) -> None:
        """Looks at further lines."""
        if not lines:
            return
        if self.rows < _TOP_LINES:
            for number, line in enumerate(lines[: _TOP_LINES - self.rows], self.rows):
                if patterns.BARE_MARK.fullmatch(fold(line)):
                    self._column.note_mark(number, line)
        self._column.feed(lines, self.rows)
        for number, line in enumerate(lines, self.rows):
            self._join(number, line)
        self.rows += len(lines)
        self.cells += len(lines)

    def _join(self, number: int, line: str) -> None:
        """A number with a check that goes on at the beginning of the next line."""
        head = _HEAD.match(line)
        if self._tail and head:
            joined = self._tail + head[1]
            for match in matches(joined):
                if match.code in _CHECKED and match.start < len(self._tail) < match.end:
                    self._column.note(match._replace(evidence=PROSE), number, joined)
        tail = _TAIL.search(line)
        self._tail = tail[0].rstrip() if tail else ""

    def hits(self) -> list[Hit]:
        """The findings; topics are grave where people are named by a number."""
        found = self._column.hits()
        is_of_people = any(hit.pattern in ("id18", "residence", "mobile") for hit in found)
        return [
            _regraded(hit, "high" if is_of_people else "info")
            if hit.pattern == "sensitive_topic"
            else hit
            for hit in found
        ]


def shares_none(headings: Iterable[str], declared: Iterable[str]) -> bool:
    """Whether a file has headings and none of them is the name of a declared data item.

    Args:
        headings: of all its tables; notes in brackets and blanks do not count.
        declared: names of data items, in any language.
    """
    seen, said = ({bare_name(one) for one in names} - {""} for names in (headings, declared))
    return bool(seen) and bool(said) and not seen & said


def bare_name(name: str) -> str:
    """A name by which columns and data items are compared: no notes, blanks, marks or case."""
    return _NOTE_OR_BLANK.sub("", fold(name)).casefold()


_NOTE_OR_BLANK = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|[\s_*]")


def verdict(hits: Iterable[Hit], unread: Sequence[Unread]) -> str:
    """The gravest severity of what was found; what could not be read is high."""
    severities = [hit.severity for hit in hits] + ["high"] * bool(unread)
    return patterns.severity_at_most(severities)
