"""Working days, and the day on which a term ends.

Every feature counts with this calendar. It computes from data handed in (`data/calendar/*.json`,
rows of `workday_override`); it reads no clock and writes no sentence: a `Due` lists the days it
counted and skipped, and the page words them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ckanext.govopen.domain.errors import Finding

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
# A term that does not end within this many days has a pause or a table without end.
_LONGEST_WALK_DAYS = 36_600

# 全国年节及纪念日放假办法 (2024 revision) Art 2: thirteen days, of which these have a solar date.
_FIXED_DAYS = {(1, 1): "元旦", (5, 1): "劳动节", (5, 2): "劳动节"} | {
    (10, day): "国庆节" for day in (1, 2, 3)
}
# The others by their distance from the first day of the lunar months 1, 5 and 8: 除夕 to 初三, the
# fifth of the fifth, the fifteenth of the eighth.
_LUNAR_DAYS = (
    {-1: "春节", 0: "春节", 1: "春节", 2: "春节"},
    {4: "端午节"},
    {14: "中秋节"},
)


class CalendarError(ValueError):
    """A question or a table the calendar cannot work with; `finding` carries the facts."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.code} {finding.field or ''} {finding.value or ''}".strip())
        self.finding = finding


@dataclass(frozen=True)
class Override:
    """A day that differs from Monday to Friday.

    Args:
        day: the day.
        is_workday: True for a make-up workday (调休上班日), False for a day off.
        name: the holiday it belongs to, as the notice writes it.
        source: the notice or decree that says so.
    """

    day: date
    is_workday: bool
    name: str
    source: str = ""


@dataclass(frozen=True)
class DayFact:
    """What the calendar knows about a day.

    `reason` is `weekday`, `makeup`, `weekend` or `holiday`; `name` the holiday, if there is one;
    `is_known` is False where no yearly notice has been loaded.
    """

    day: date
    is_workday: bool
    reason: str
    name: str
    is_known: bool


@dataclass(frozen=True)
class Skipped:
    """A day that a term did not count: `reason` is `weekend`, `holiday` or `paused`."""

    day: date
    reason: str
    name: str = ""


@dataclass(frozen=True)
class Due:
    """Where a term of working days ends, and the days that explain it.

    Args:
        due: the last day of the term.
        provisional: True when a day of it lies in a year whose notice is not known.
        counted: the working days that were counted, in order; the last one is `due`.
        skipped: the days between that were not.
    """

    due: date
    provisional: bool
    counted: tuple[date, ...]
    skipped: tuple[Skipped, ...]


def _qingming(year: int) -> date | None:
    """清明, the one statutory solar term; the usual formula holds for 2000 to 2099."""
    if not 2000 <= year <= 2099:
        return None
    short = year % 100
    return date(year, 4, (short * 2422 + 48100) // 10000 - short // 4)


def statutory_name(day: date) -> str:
    """Name of the statutory holiday on a solar date, or an empty string."""
    if day == _qingming(day.year):
        return "清明节"
    return _FIXED_DAYS.get((day.month, day.day), "")


def _read_day(table: str, text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError as error:
        raise CalendarError(Finding("calendar.E3", field=table, value=str(text))) from error


def read_overrides(table: Mapping[str, object]) -> tuple[Override, ...]:
    """The overrides of one calendar file (`holidays` and `workdays`, ISO day -> name).

    Raises:
        CalendarError: calendar.E3 a key is no date; calendar.E4 a day is both off and worked.
    """
    source = str(table.get("region", ""))
    found: dict[date, Override] = {}
    for field, is_workday in (("holidays", False), ("workdays", True)):
        days = table.get(field, {})
        for text, name in days.items() if isinstance(days, Mapping) else ():
            day = _read_day(field, text)
            if day in found:
                raise CalendarError(Finding("calendar.E4", field=field, value=day.isoformat()))
            found[day] = Override(day, is_workday, str(name), source)
    return tuple(found.values())


def read_lunar_days(table: Mapping[str, object]) -> dict[date, str]:
    """Statutory days that follow the moon, by name, of the years that a calendar file covers.

    `lunar_months` gives for each year the first days of the lunar months 1, 5 and 8.

    Raises:
        CalendarError: calendar.E3 a first day is no date.
    """
    months = table.get("lunar_months", {})
    found: dict[date, str] = {}
    for firsts in months.values() if isinstance(months, Mapping) else ():
        for text, days in zip(firsts, _LUNAR_DAYS, strict=True):
            first = _read_day("lunar_months", text)
            found |= {first + timedelta(days=after): name for after, name in days.items()}
    return found


def read_known_years(table: Mapping[str, object]) -> range:
    """The years of a calendar file whose notices are in it (`known_years`: first and last)."""
    bounds = table.get("known_years", ())
    if not isinstance(bounds, Sequence) or not bounds:
        return range(0)
    return range(int(bounds[0]), int(bounds[-1]) + 1)


@dataclass(frozen=True)
class Notice:
    """The yearly notice of a region: which days are off, which are made up for.

    A notice of a year may name days of the December before, when the new year's holiday has some.
    """

    region: str
    year: int
    source: str
    overrides: tuple[Override, ...]

    def days(self, *, is_workday: bool) -> dict[str, str]:
        """Day to name of the days off, or of the make-up workdays."""
        return {
            one.day.isoformat(): one.name for one in self.overrides if one.is_workday is is_workday
        }

    def refusal(self, code: str, days: Iterable[date]) -> CalendarError:
        """The error that names days of this notice."""
        named = ", ".join(day.isoformat() for day in days)
        return CalendarError(Finding(code, "days", named, {"year": self.year}))


def read_notice(table: Mapping[str, object]) -> Notice:
    """A notice from its facts: region, year, source, holidays, workdays.

    Raises:
        CalendarError: calendar.E3 a key is no date; E4 a day is both off and worked; E6 no year,
            source or day; E7 a day outside the year; E8 a make-up workday from Monday to Friday, or
            a statutory holiday that is worked or left out.
    """
    try:
        year = int(str(table.get("year") or ""))
    except ValueError:
        year = 0
    region, source = str(table.get("region") or "CN"), str(table.get("source") or "").strip()
    overrides = tuple(sorted(read_overrides(table), key=lambda one: one.day))
    if not 2000 <= year <= 2999 or not source or not overrides:
        raise CalendarError(Finding("calendar.E6", "year", str(table.get("year") or "")))
    notice = Notice(region, year, source, overrides)
    december = date(year - 1, 12, 1)
    if strange := [one.day for one in overrides if not december <= one.day <= date(year, 12, 31)]:
        raise notice.refusal("calendar.E7", strange)
    if wrong := _contradictions(notice):
        raise notice.refusal("calendar.E8", wrong)
    return notice


def _contradictions(notice: Notice) -> list[date]:
    """Days on which a notice says what no notice can say (全国年节及纪念日放假办法 Art 2, 7)."""
    said = {one.day: one.is_workday for one in notice.overrides}
    wrong = [day for day, is_workday in said.items() if is_workday and day.weekday() < _SATURDAY]
    if notice.region == "CN":
        fixed = [date(notice.year, month, day) for month, day in _FIXED_DAYS]
        wrong += [
            day
            for day in fixed
            if said.get(day) is True or (day.weekday() < _SATURDAY and day not in said)
        ]
    return sorted(set(wrong))


class WorkCalendar:
    """Working days of one region.

    Args:
        overrides: in order of authority, weakest first: the national table, then the decrees of
            the region (全国年节及纪念日放假办法 Art 4), then what was imported since.
        known_years: years whose State Council notice is in the overrides.
        region: code of the region, for explanations.
        lunar_days: statutory days that follow the moon, for years without a notice.
    """

    def __init__(
        self,
        overrides: Iterable[Override],
        known_years: Iterable[int],
        region: str = "CN",
        lunar_days: Mapping[date, str] | None = None,
    ) -> None:
        self.region = region
        self._lunar_days = dict(lunar_days or {})
        self.known_years = frozenset(known_years)
        self._overrides = {override.day: override for override in overrides}

    @classmethod
    def from_tables(
        cls, *tables: Mapping[str, object], region: str = "CN", known_years: Iterable[int] = ()
    ) -> WorkCalendar:
        """A calendar from parsed files, the national one first; later tables win.

        `known_years` adds years that were imported by notice.
        """
        overrides = [override for table in tables for override in read_overrides(table)]
        known = {year for table in tables for year in read_known_years(table)}
        lunar = {day: name for table in tables for day, name in read_lunar_days(table).items()}
        return cls(overrides, known | set(known_years), region, lunar)

    @classmethod
    def from_layers(
        cls,
        layers: Iterable[tuple[Mapping[str, object], Sequence[Notice]]],
        region: str = "CN",
    ) -> WorkCalendar:
        """A calendar from parsed files and imported notices, the national layer first.

        A notice stands in for all that the file of its layer says of its year; a later layer wins.
        """
        overrides: list[Override] = []
        known: set[int] = set()
        lunar: dict[date, str] = {}
        for number, (table, notices) in enumerate(layers):
            years = {notice.year for notice in notices}
            overrides += [one for one in read_overrides(table) if one.day.year not in years]
            overrides += [one for notice in notices for one in notice.overrides]
            known |= set(read_known_years(table))
            lunar |= read_lunar_days(table)
            if number == 0:  # a decree of a region says nothing of the nation's days
                known |= years
        return cls(overrides, known, region, lunar)

    def differing_days(self, notice: Notice) -> list[date]:
        """Days of a notice's year on which it says otherwise than this calendar."""
        said = WorkCalendar(notice.overrides, [notice.year])
        first = date(notice.year, 1, 1)
        days = (first + timedelta(days=step) for step in range(366))
        return [
            day
            for day in days
            if day.year == notice.year and said.is_workday(day) != self.is_workday(day)
        ]

    def day(self, day: date) -> DayFact:
        """Whether a day is worked, and why."""
        is_known = day.year in self.known_years
        override = self._overrides.get(day)
        if override is not None:
            reason = "makeup" if override.is_workday else "holiday"
            return DayFact(day, override.is_workday, reason, override.name, is_known)
        if day.weekday() >= _SATURDAY:
            return DayFact(day, False, "weekend", "", is_known)
        name = "" if is_known else statutory_name(day) or self._lunar_days.get(day, "")
        return DayFact(day, not name, "holiday" if name else "weekday", name, is_known)

    def is_workday(self, day: date) -> bool:
        """True for a day on which offices work."""
        return self.day(day).is_workday

    def due(self, start: date, n: int, paused: Sequence[tuple[date, date]] = ()) -> Due:
        """The n-th working day strictly after `start` (民法典 Art 201: day 1 is the next day).

        Args:
            start: local date of the trigger.
            n: working days, 0 or more; 0 gives `start` itself.
            paused: intervals (a, b]: their working days are not counted (条例 Art 33).

        Raises:
            CalendarError: calendar.E1 n is negative; calendar.E2 a pause ends before it begins.
        """
        if n < 0:
            raise CalendarError(Finding("calendar.E1", field="n", value=str(n)))
        for after, until in paused:
            if until < after:
                raise CalendarError(Finding("calendar.E2", "paused", f"{after}/{until}"))
        counted: list[date] = []
        skipped: list[Skipped] = []
        provisional = False
        day = start
        while len(counted) < n:
            day = self._next(day, start)
            fact = self.day(day)
            provisional = provisional or not fact.is_known
            if not fact.is_workday:
                skipped.append(Skipped(day, fact.reason, fact.name))
            elif any(after < day <= until for after, until in paused):
                skipped.append(Skipped(day, "paused"))
            else:
                counted.append(day)
        return Due(day, provisional, tuple(counted), tuple(skipped))

    def roll_forward(self, day: date) -> date:
        """The day itself, or the next working day (民法典 Art 203, terms in natural days)."""
        rolled = day
        while not self.is_workday(rolled):
            rolled = self._next(rolled, day)
        return rolled

    def workdays_between(self, after: date, until: date) -> int:
        """How many working days lie in (after, until]; 0 when `until` is not later."""
        span = (until - after).days
        return sum(self.is_workday(after + timedelta(days=step)) for step in range(1, span + 1))

    def workday_before(self, day: date, n: int) -> date:
        """The n-th working day before `day`, for reminders; n 0 gives `day` itself."""
        left, found = n, day
        while left > 0:
            found -= _ONE_DAY
            left -= self.is_workday(found)
        return found

    def _next(self, day: date, start: date) -> date:
        if (day - start).days >= _LONGEST_WALK_DAYS:
            raise CalendarError(Finding("calendar.E5", field="start", value=start.isoformat()))
        return day + _ONE_DAY
