"""Numbers as people have them and write them: of persons, and those that only look so.

Check digits are computed here anew from their standards, not taken from the program under test.
Regions, names and everything else are invented or public.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

REGIONS = (
    "110101", "110105", "120103", "130104", "210102", "310110", "320106", "330108", "340102",
    "350203", "360103", "370112", "410105", "420106", "430111", "440305", "450103", "460105",
    "500112", "510107", "520103", "530112", "610113", "620102", "650104",
)  # fmt: skip
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
FULL_WIDTH = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")
CARD_BEGINNINGS = ("622202", "621700", "622848", "621661", "622588", "625912")


def digits(rng: Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def some_day(rng: Random, first: int, last: int) -> date:
    """A day of the years from `first` to `last`."""
    span = (date(last, 12, 31) - date(first, 1, 1)).days
    return date(first, 1, 1) + timedelta(days=rng.randrange(span + 1))


def check_digit(body: str) -> str:
    """MOD 11-2 of the first 17 digits (GB 11643)."""
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return "10X98765432"[total % 11]


def id18(rng: Random, region: str | None = None) -> str:
    born = some_day(rng, 1935, 2015).strftime("%Y%m%d")
    body = f"{region or rng.choice(REGIONS)}{born}{rng.randrange(1000):03d}"
    return body + check_digit(body)


def id15(rng: Random) -> str:
    return f"{rng.choice(REGIONS)}{some_day(rng, 1935, 1985):%y%m%d}{rng.randrange(1000):03d}"


def residence(rng: Random) -> str:
    """Residents of Hong Kong, Macao and Taiwan, and foreigners with permanent residence."""
    return id18(rng, rng.choice(("810000", "820000", "830000", "911100", "931100")))


def embedded_id(rng: Random) -> str:
    """Student number, or certificate of disability: an identity number inside."""
    if rng.random() < 0.5:
        return rng.choice("GL") + id18(rng)
    return id18(rng) + rng.choice("1234567") + rng.choice("1234")


def as_exported(rng: Random, number: str) -> str:
    """What programs and people put around a number so that a spreadsheet keeps its digits."""
    return rng.choice(
        (
            f"\t{number}",
            f"'{number}",
            f'="{number}"',
            f"（{number}）",
            f"{number}；",
            f"No.{number}",
            f"\u200b{number}",
            f"{number[:6]}\u00a0{number[6:]}",
            f"{number[:6]}\u3000{number[6:]}",
        )
    )


def written_id(rng: Random) -> str:
    """An identity number in one of the ways in which it is typed."""
    number = id18(rng)
    way = rng.randrange(9)
    if way == 8:
        return as_exported(rng, number)
    if way == 0:
        return f"{number[:6]} {number[6:14]} {number[14:]}"
    if way == 1:
        return f"{number[:6]}-{number[6:14]}-{number[14:]}"
    if way == 2:
        return number.translate(FULL_WIDTH)
    if way == 3:
        return number.lower()
    if way == 4:
        return f" {number} "
    return number


def mobile(rng: Random) -> str:
    return f"1{rng.choice('3456789')}{digits(rng, 9)}"


def written_mobile(rng: Random) -> str:
    number = mobile(rng)
    way = rng.randrange(12)
    if way == 9:
        return as_exported(rng, number)
    if way == 10:
        return rng.choice((f"0086 {number}", f"(+86){number}", f"86 {number}", f"＋８６ {number}"))
    if way == 11:
        return f"{number}/{mobile(rng)}"
    if way == 0:
        return f"+86{number}"
    if way == 1:
        return f"+86 {number}"
    if way == 2:
        return f"86-{number}"
    if way == 3:
        return f"{number[:3]} {number[3:7]} {number[7:]}"
    if way == 4:
        return f"{number[:3]}-{number[3:7]}-{number[7:]}"
    if way == 5:
        return number.translate(FULL_WIDTH)
    return number


def luhn(body: str) -> str:
    """The number with its check digit (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def bank_card(rng: Random) -> str:
    return luhn(rng.choice(CARD_BEGINNINGS) + digits(rng, rng.choice((9, 12))))


def written_card(rng: Random) -> str:
    number = bank_card(rng)
    if rng.random() < 0.1:
        return as_exported(rng, number)
    if rng.random() < 0.3:
        return " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    return number


def passport(rng: Random) -> str:
    way = rng.randrange(4)
    if way == 0:
        return f"G{digits(rng, 8)}"
    if way == 1:
        return f"E{rng.choice('ABCDEFGH')}{digits(rng, 7)}"
    return f"E{digits(rng, 8)}"


# --- what only looks like it ---------------------------------------------------------------------


def date_shaped_code(rng: Random) -> str:
    """18 digits: region, a day, a sequence, and a last digit that is anything: 1 in 11 passes."""
    first, last = (2005, 2026) if rng.random() < 0.7 else (1950, 2004)
    day = some_day(rng, first, last).strftime("%Y%m%d")
    return f"{rng.choice(REGIONS)}{day}{digits(rng, 4)}"


def project_code(rng: Random) -> str:
    """18 digits of a project: year, region, trade, sequence (2019-110105-48-03-012345)."""
    parts = (str(rng.randrange(2016, 2027)), rng.choice(REGIONS), digits(rng, 2), digits(rng, 6))
    return "".join(parts)


def order_number(rng: Random) -> str:
    way = rng.randrange(3)
    if way == 0:
        return f"{some_day(rng, 2015, 2026):%Y%m%d}{digits(rng, 8)}"
    if way == 1:
        return f"{rng.choice(('DD', 'XH', 'FW', 'JS'))}{digits(rng, 14)}"
    return digits(rng, rng.choice((10, 12, 13, 14, 20, 22)))


def device_number(rng: Random) -> str:
    """Numbers of devices carry a Luhn digit too: IMEI, ICCID, meters."""
    way = rng.randrange(3)
    if way == 0:
        return luhn(f"86{digits(rng, 12)}")
    if way == 1:
        return luhn(f"8986{digits(rng, 15)}")
    return luhn(f"{rng.choice('4567')}{digits(rng, 14)}")


def uscc(rng: Random) -> str:
    """A unified social credit code with its check character (GB 32100)."""
    organ = rng.choice(("91", "92", "11", "12", "51", "93"))
    body = organ + rng.choice(REGIONS) + "".join(rng.choice(USCC_LETTERS) for _ in range(9))
    values = (USCC_LETTERS.index(letter) for letter in body)
    total = sum(value * weight for value, weight in zip(values, USCC_WEIGHTS, strict=True))
    return body + USCC_LETTERS[(31 - total % 31) % 31]


def barcode(rng: Random) -> str:
    """EAN-13 of goods made in China."""
    body = f"69{digits(rng, 10)}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return body + str(-total % 10)


def landline(rng: Random) -> str:
    area = rng.choice(("010", "021", "0571", "0755", "028", "0898"))
    number = rng.choice("2345678") + digits(rng, 6 if area == "0898" else 7)
    way = rng.randrange(4)
    if way == 0:
        return f"{area}{number}"
    if way == 1:
        return f"({area}){number}"
    if way == 2:
        return f"{area}-{number}-{rng.randrange(100, 9999)}"
    return f"{area}-{number}"
