"""Days of the traditional calendar, by the motion of sun and moon.

Spring Festival, Dragon Boat and Mid-Autumn fall on days of a lunar month, Qingming on the day the
sun reaches 15 degrees. Nothing is looked up in a table: new moons and the sun's longitude follow
the series of J. Meeus, Astronomical Algorithms (chapters 25 and 49), days are Beijing days, and
the months are numbered by the rule of GB/T 33661-2017: the eleventh holds the winter solstice, and
in a year of thirteen months the first one without a principal term is the leap month.
"""

from datetime import date, timedelta
from functools import lru_cache
from math import cos, floor, radians, sin

BEIJING = 8 / 24
# Terrestrial Time ran ahead of UTC by 65 to 75 seconds in these decades.
AHEAD = 70 / 86400
MONTH = 29.530588861
J2000 = 2451545.0
EPOCH = 1721424.5  # Julian day of 0001-01-01, less the ordinal of that day
NEW_MOON = (
    # days, power of E, multiples of M, M', F
    (-0.40720, 0, 0, 1, 0), (0.17241, 1, 1, 0, 0), (0.01608, 0, 0, 2, 0), (0.01039, 0, 0, 0, 2),
    (0.00739, 1, -1, 1, 0), (-0.00514, 1, 1, 1, 0), (0.00208, 2, 2, 0, 0), (-0.00111, 0, 0, 1, -2),
    (-0.00057, 0, 0, 1, 2), (0.00056, 1, 1, 2, 0), (-0.00042, 0, 0, 3, 0), (0.00042, 1, 1, 0, 2),
    (0.00038, 1, 1, 0, -2), (-0.00024, 1, -1, 2, 0), (-0.00007, 0, 2, 1, 0), (0.00004, 0, 0, 2, -2),
)  # fmt: skip


def beijing_day(julian_day):
    """The date in Beijing at a moment of Terrestrial Time."""
    return date.fromordinal(floor(julian_day - AHEAD + BEIJING - EPOCH))


def moment(day):
    """Midnight in Beijing at the beginning of a day, as a Julian day."""
    return day.toordinal() + EPOCH - BEIJING + AHEAD


def new_moon(k):
    """The k-th new moon since January 2000."""
    t = k / 1236.85
    e = 1 - 0.002516 * t - 0.0000074 * t * t
    sun = radians(2.5534 + 29.10535670 * k)
    moon = radians(201.5643 + 385.81693528 * k + 0.0107582 * t * t)
    node = radians(160.7108 + 390.67050284 * k - 0.0016118 * t * t)
    mean = 2451550.09766 + MONTH * k + 0.00015437 * t * t
    return mean + sum(
        days * e**power * sin(a * sun + b * moon + c * node) for days, power, a, b, c in NEW_MOON
    )


def longitude(julian_day):
    """The sun's apparent longitude in degrees."""
    t = (julian_day - J2000) / 36525
    anomaly = radians(357.52911 + 35999.05029 * t)
    true = (
        280.46646
        + 36000.76983 * t
        + (1.914602 - 0.004817 * t) * sin(anomaly)
        + (0.019993 - 0.000101 * t) * sin(2 * anomaly)
        + 0.000289 * sin(3 * anomaly)
    )
    return (true - 0.00569 - 0.00478 * sin(radians(125.04 - 1934.136 * t))) % 360


def day_of_longitude(year, degrees):
    """The day on which the sun reaches so many degrees, in a year of the common calendar."""
    # From 280 degrees on 1 January the sun goes 360 in a year; it is never more than 4 days off.
    guess = moment(date(year, 1, 1)) + ((degrees - 280) % 360) / 360 * 365.2422
    for _ in range(6):
        away = (degrees - longitude(guess) + 180) % 360 - 180
        guess += away * 365.2422 / 360 / (1 + 0.0334 * cos(radians(longitude(guess) - 283)))
    return beijing_day(guess)


def month_beginning(day):
    """The number of the last new moon whose day is not after this day."""
    k = floor((moment(day) - 2451550.1) / MONTH) + 2
    while beijing_day(new_moon(k)) > day:
        k -= 1
    return k


def has_principal_term(k):
    """Say whether the sun reaches a multiple of 30 degrees within the days of the month."""
    begins = longitude(moment(beijing_day(new_moon(k))))
    ends = longitude(moment(beijing_day(new_moon(k + 1))))
    return floor(begins / 30) != floor(ends / 30)


@lru_cache
def months(year):
    """The new moon of each ordinary month of a lunar year, by its number."""
    eleventh = month_beginning(day_of_longitude(year - 1, 270))
    following = month_beginning(day_of_longitude(year, 270))
    is_long, named, number = following - eleventh == 13, {}, 11
    for k in range(eleventh + 1, following):
        if is_long and not has_principal_term(k):
            is_long = False
            continue
        number = number % 12 + 1
        named[number] = k
    return named


def lunar(year, month, day):
    """The date of a day of the lunar year that begins in this year of the common calendar."""
    return beijing_day(new_moon(months(year)[month])) + timedelta(days=day - 1)


def qingming(year):
    return day_of_longitude(year, 15)
