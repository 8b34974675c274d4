"""How a Chinese phrase is asked for, so that a search can demand a share of it.

Chinese is written without spaces: CKAN's query takes a phrase for one term, the index takes it
apart into pairs of characters, and any single pair is then enough to be found. Written as pairs,
each is a term of its own, and the query's minimum match counts them.
"""

from __future__ import annotations

import re

# All of two terms, two thirds of more: of the pairs in 停车收费 the middle one is no word.
MINIMUM_MATCH = "2<67%"
# Where nothing has so much of the phrase, what has a third of it is better than nothing.
RELAXED_MATCH = "34%"

_PHRASE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]{3,}")


def in_pairs(text: str) -> str:
    """The text with every phrase of three or more Chinese characters as its pairs."""
    return " ".join(_PHRASE.sub(_pairs, text).split())


def _pairs(phrase: re.Match[str]) -> str:
    characters = phrase[0]
    pairs = (characters[at : at + 2] for at in range(len(characters) - 1))
    return f" {' '.join(pairs)} "
