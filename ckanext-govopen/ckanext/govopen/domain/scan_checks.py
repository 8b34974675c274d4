"""Check digits of many numbers at once, place by place: several times quicker than one by one.

All numbers of a call have one length. Their first digits are taken together, then their second
ones, each weighed by a table; what is left for each number is to sum up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from ckanext.govopen.domain.units import USCC_ALPHABET

_DIGITS = b"0123456789"
_AS_THEY_ARE = bytes.maketrans(_DIGITS, bytes(range(10)))
_DOUBLED = bytes.maketrans(_DIGITS, bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
# Powers of 2 modulo 11 (GB 11643-1999, MOD 11-2) and of 3 modulo 31 (GB 32100-2015), the check
# character with a weight of its own.
_ID_TABLES = [
    bytes.maketrans(b"0123456789X", bytes(value * 2**place % 11 for value in range(11)))
    for place in range(17, -1, -1)
]
_USCC_TABLES = [
    bytes.maketrans(
        USCC_ALPHABET.encode(), bytes(value * weight % 31 for value in range(len(USCC_ALPHABET)))
    )
    for weight in (*(3**place for place in range(17)), 1)
]


def _sums(values: Sequence[str], tables: Sequence[bytes]) -> Iterator[int]:
    if not values:
        return iter(())
    text, size = "".join(values).encode(), len(tables)
    places = [text[at::size].translate(table) for at, table in enumerate(tables)]
    return map(sum, zip(*places, strict=True))


def are_ids(values: Sequence[str]) -> list[bool]:
    """Which numbers of 18 characters have the check character of an identity number."""
    return [total % 11 == 1 for total in _sums(values, _ID_TABLES)]


def are_usccs(values: Sequence[str]) -> list[bool]:
    """Which codes of 18 characters have the check character of a social credit code."""
    return [total % 31 == 0 for total in _sums(values, _USCC_TABLES)]


def pass_luhn(values: Sequence[str]) -> list[bool]:
    """Which numbers have the check digit of bank cards (ISO/IEC 7812-1)."""
    size = len(values[0]) if values else 0
    return [total % 10 == 0 for total in _sums(values, _luhn_tables(size))]


@cache
def _luhn_tables(size: int) -> list[bytes]:
    return [_AS_THEY_ARE if (size - at) % 2 else _DOUBLED for at in range(size)]
