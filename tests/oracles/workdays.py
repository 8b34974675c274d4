"""Due dates counted on the fingers, to compare the product's calendar with.

Written from the rules in words (docs/en/duties.md) and from nothing else; no line of the product
is imported. What a year's notice says is taken from the library `chinesecalendar`; a year without
notice has its weekends and the thirteen days of the holiday rule as it stands since 2025.
"""

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar

from oracles import moon

DAY = timedelta(days=1)
FIRST_YEAR, LAST_YEAR = 2004, 2026


@lru_cache
def statutory(year):
    """全国年节及纪念日放假办法 (2024), Art. 2: thirteen days off for everybody."""
    new_year = moon.lunar(year, 1, 1)
    return frozenset(
        [date(year, 1, 1)]
        + [new_year + n * DAY for n in (-1, 0, 1, 2)]
        + [moon.qingming(year)]
        + [date(year, 5, 1), date(year, 5, 2)]
        + [moon.lunar(year, 5, 5), moon.lunar(year, 8, 15)]
        + [date(year, 10, n) for n in (1, 2, 3)]
    )


class Days:
    """The working days, as far as they are known.

    `overrides` maps dates to whether they are worked and is asked first; `known` are years of
    which the overrides say everything that differs from Monday to Friday.
    """

    def __init__(self, overrides=(), known=()):
        self.overrides = dict(overrides)
        self.known = frozenset(known)
        self._told = {}

    def is_known(self, day):
        published = FIRST_YEAR <= day.year <= LAST_YEAR
        return published or day.year in self.known

    def is_workday(self, day):
        if day not in self._told:
            self._told[day] = self._ask(day)
        return self._told[day]

    def _ask(self, day):
        if day in self.overrides:
            return self.overrides[day]
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            return chinese_calendar.is_workday(day)
        if day.weekday() >= 5:
            return False
        return day.year in self.known or day not in statutory(day.year)

    def due(self, start, n, paused=()):
        """The n-th working day after `start`, and whether an unknown day had to be judged."""
        day, provisional = start, False
        while n:
            day += DAY
            provisional = provisional or not self.is_known(day)
            if self.is_workday(day) and not any(a < day <= b for a, b in paused):
                n -= 1
        return day, provisional

    def due_natural(self, start, n, paused=()):
        """The n-th day after `start`, before it rolls off a day that is not worked."""
        day = start
        while n:
            day += DAY
            if not any(a < day <= b for a, b in paused):
                n -= 1
        return day

    def roll(self, day):
        """民法典 Art. 203: a term that ends on a day off ends with the next working day."""
        provisional = not self.is_known(day)
        while not self.is_workday(day):
            day += DAY
            provisional = provisional or not self.is_known(day)
        return day, provisional
