"""Data items (信息项) of an inventory entry: their attributes, how they are said, what they lack.

An item says itself in a cell as `名称:C(100)`, with more attributes in braces:
`证件号码:C(18){sensitive=personal,open_type=withheld}`, or a mark alone in brackets:
`手机号码:C(11)[个人信息]`; a request gives it as an object. Name and
type are required, for characters and numbers the length too (政务信息资源目录编制指南, 2017).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ckanext.govopen.domain.errors import Finding
from ckanext.govopen.domain.vocab import Vocabulary

Vocabularies = Mapping[str, Vocabulary]
Item = dict[str, object]

FIELD = "items"
MOST_LENGTH = 10**9
MOST_PIECE = 4_000  # characters that one item may say of itself; more is prose
MOST_TEXT = 200_000  # characters of all items of an entry
MOST_SAID = 200  # characters that a finding repeats of what could not be understood
MOST_NAMED = 40  # of the name of its item
UNMARKED = "none"  # of the vocabulary `item_sensitivity`
YES = ("true", "yes", "1", "是", "y")
NO = ("false", "no", "0", "否", "n")


@dataclass(frozen=True)
class ItemRule:
    """One attribute: what its values are, and how long a text may be."""

    name: str
    kind: str = "text"  # text, code, int or bool
    limit: int = 200
    vocabulary: str = ""


ITEM_RULES: tuple[ItemRule, ...] = (
    ItemRule("name_zh"),
    ItemRule("name_en"),
    ItemRule("code"),
    ItemRule("data_type", "code", vocabulary="item_data_type"),
    ItemRule("length", "int"),
    ItemRule("unit"),
    ItemRule("codelist"),
    ItemRule("nullable", "bool"),
    ItemRule("key", "bool"),
    ItemRule("description", limit=1000),
    ItemRule("sensitive", "code", vocabulary="item_sensitivity"),
    ItemRule("share_type", "code", vocabulary="share_type"),
    ItemRule("open_type", "code", vocabulary="open_type"),
    ItemRule("mask_rule"),
)
RULES: Mapping[str, ItemRule] = {rule.name: rule for rule in ITEM_RULES}
_LONGEST_NAME = RULES["name_zh"].limit
# What `name:type(length)` says; all else stands in braces.
_IN_FRONT = ("name_zh", "data_type", "length")
# Types whose items name their length (字符型、数值型).
LONG_TYPES = ("C", "N")

# No text is read in two ways, and blanks belong to what stands before them: the time that a text
# takes grows with its length, whatever it is made of.
_TEXT = r'"(?:[^"]|"")*"(?!")'
_QUOTED = re.compile(_TEXT)
_BRACES = re.compile(r"[{｛](?:" + _TEXT + r'|[^{}｛｝"])*[}｝]')
_MARK = re.compile(r'[;；\n、,，"{｛]')
_CUT = re.compile(rf"[;；\n]+|[、,，](?![^（(]{{0,{MOST_PIECE}}}[)）])")
_SAID = re.compile(r"\S")
_ITEM = re.compile(
    rf"^(?P<name>{_TEXT}\s*|[^:：]*?)"
    r"(?:[:：](?P<type>[^:：()（）{}｛｝]+?)"
    r"(?:[(（]\s*(?P<length>\d+)(?:\s*[,，.]\s*\d+)?\s*[)）]\s*)?)?"
    r"(?:[\[【](?P<mark>[^\[\]【】]+)[\]】]\s*)?"
    r"(?P<more>[{｛][^{}｛｝=＝]*[=＝].*[}｝])?$",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(rf'([^=＝]+)[=＝](?:\s*({_TEXT})\s*|([^,，;；、"]*))(?:[,，;；、]|$)')
# What is meant as an attribute, and as a mark, wherever it stands.
_MEANT = re.compile(r"[{｛]\s{0,9}([^{}｛｝=＝\s]{1,40})\s{0,9}[=＝]")
_MARKED = re.compile(r"[\[【]\s{0,9}([^\[\]【】\s]{1,40})")
_NEEDS_QUOTES = re.compile(r'[:：;；、,，{}｛｝\[\]【】"=＝\n]|^\s|\s$|^$')


class _UnreadError(Exception):
    """What an item says of itself cannot be understood."""

    def __init__(self, said: str, allowed: Sequence[str] = ()) -> None:
        said = said if len(said) <= MOST_SAID else said[:MOST_SAID] + "…"
        self.finding = (
            Finding("inventory.E12", FIELD, said, {"allowed": list(allowed)})
            if allowed
            else Finding("inventory.E23", FIELD, said)
        )
        super().__init__(said)


# --- reading a cell ------------------------------------------------------------------------------


def read_text(text: str, vocabularies: Vocabularies) -> tuple[list[Item] | None, Finding | None]:
    """The items of one cell; or the finding of the first that cannot be understood."""
    if len(text) > MOST_TEXT:
        return None, _UnreadError(text, [f"≤ {MOST_TEXT}"]).finding
    try:
        return [_of_text(piece, vocabularies) for piece in _pieces(text)], None
    except _UnreadError as error:
        return None, error.finding


def _pieces(text: str) -> Iterator[str]:
    """The text of each item: separators within quotes, braces and parentheses are its own."""
    start = place = 0
    while mark := _MARK.search(text, place):
        place = mark.start()
        is_new = _SAID.search(text, start, place) is None
        kept = (_QUOTED.match(text, place) if is_new else None) or _BRACES.match(text, place)
        cut = None if kept else _CUT.match(text, place)
        if cut and not is_new:
            yield text[start:place].strip()
        found = kept or cut
        place = found.end() if found else place + 1
        start = place if cut else start
    if text[start:].strip():
        yield text[start:].strip()


def _of_text(piece: str, vocabularies: Vocabularies) -> Item:
    found = _ITEM.match(piece) if len(piece) <= MOST_PIECE else None
    item = _attributes_in_front(found, piece, vocabularies) if found else None
    if found is None or item is None:
        if _means_more(piece, vocabularies):
            raise _UnreadError(piece)
        return {"name_zh": piece[:_LONGEST_NAME]}  # a colon or a bracket within a name
    more = _attributes(found["more"][1:-1], piece, vocabularies) if found["more"] else {}
    is_name = not found["more"] and not _QUOTED.match(piece)
    is_lost = is_name and _means_more(str(item.get("name_zh", "")), vocabularies)
    if is_lost or any(item.get(name, said) != said for name, said in more.items()):
        raise _UnreadError(piece)
    return {**item, **more}


def _attributes_in_front(
    found: re.Match[str], piece: str, vocabularies: Vocabularies
) -> Item | None:
    """What stands before the braces: name, type, length and mark; None for a name with signs."""
    types, marks = vocabularies["item_data_type"], vocabularies["item_sensitivity"]
    said = (found["type"] or "").strip()
    code = types.code_of(said)
    mark = marks.code_of(found["mark"]) if found["mark"] else None
    if (found["type"] and code is None) or (found["mark"] and mark is None):
        if code is None and re.fullmatch("[A-Za-z]", said):
            raise _UnreadError(piece, types.codes)
        return None
    item: Item = {}
    if name := _unquoted(found["name"].strip()):
        item["name_zh"] = name[:_LONGEST_NAME]
    if code:
        item["data_type"] = code
    if found["length"]:
        item["length"] = _read("length", found["length"], piece, vocabularies)
    if mark:
        item["sensitive"] = mark
    return item


def _means_more(text: str, vocabularies: Vocabularies) -> bool:
    """Whether a text says an attribute or a mark that, taken as a name, would be lost."""
    fields, marks = vocabularies["item_field"], vocabularies["item_sensitivity"]
    meant = any(fields.code_of(one[1]) for one in _MEANT.finditer(text))
    return meant or any(
        marks.code_of(one[1]) not in (None, UNMARKED) for one in _MARKED.finditer(text)
    )


def _attributes(text: str, piece: str, vocabularies: Vocabularies) -> Item:
    item: Item = {}
    place = 0
    while text[place:].strip():
        found = _ATTRIBUTE.match(text, place)
        name = vocabularies["item_field"].code_of(found[1].strip()) if found else None
        if found is None or name is None:
            raise _UnreadError(piece, list(RULES))
        if said := _unquoted((found[2] or found[3]).strip()):
            value = _read(name, said, piece, vocabularies)
            if item.setdefault(name, value) != value:
                raise _UnreadError(piece)
        place = found.end()
    return item


def _unquoted(text: str) -> str:
    return text[1:-1].replace('""', '"') if _QUOTED.fullmatch(text) else text


# --- reading a request ---------------------------------------------------------------------------


def read_list(
    values: Sequence[object], vocabularies: Vocabularies
) -> tuple[list[Item] | None, Finding | None]:
    """The items of a request; an attribute that nobody knows, or of another kind, is a finding."""
    items = []
    try:
        for number, value in enumerate(values, 1):
            if item := _of_object(value, number, vocabularies):
                items.append(item)
    except _UnreadError as error:
        return None, error.finding
    return items, None


def _of_object(value: object, number: int, vocabularies: Vocabularies) -> Item:
    if not isinstance(value, Mapping):
        raise _UnreadError(f"{number}: {value}", ['{"name_zh": "名称", "data_type": "C", …}'])
    named = str(value.get("name_zh") or number)[:MOST_NAMED]
    item: Item = {}
    for name, said in value.items():
        if name not in RULES:
            raise _UnreadError(f"{named}: {name}", list(RULES))
        if said is not None and said != "":
            item[name] = _read(name, said, f"{named}: {name}={said}", vocabularies)
    return {name: item[name] for name in RULES if name in item}


def _read(name: str, said: object, place: str, vocabularies: Vocabularies) -> object:
    """One attribute of a text or a value; `place` says in a finding where it stands."""
    rule = RULES[name]
    if rule.kind == "bool":
        return _read_bool(said, place)
    if rule.kind == "int":
        return _read_length(said, place)
    if not isinstance(said, str) or "\x00" in said:
        raise _UnreadError(place, ["…"])
    if rule.kind == "code":
        vocabulary = vocabularies[rule.vocabulary]
        code = vocabulary.code_of(said)
        if code is None:
            raise _UnreadError(place, vocabulary.codes)
        return code
    if len(said) > rule.limit:
        raise _UnreadError(place, [f"≤ {rule.limit}"])
    return said.strip()


def _read_bool(said: object, place: str) -> bool:
    if isinstance(said, bool):
        return said
    text = said.strip().casefold() if isinstance(said, str) else ""
    if text not in YES + NO:
        raise _UnreadError(place, ["true", "false"])
    return text in YES


def _read_length(said: object, place: str) -> int:
    is_number = isinstance(said, int) and not isinstance(said, bool)
    text = str(said) if is_number or isinstance(said, str) else ""
    is_whole = text.isascii() and text.isdecimal() and len(text) < len(str(MOST_LENGTH))
    if not is_whole or int(text) == 0:
        raise _UnreadError(place, ["1, 2, 3 …"])
    return int(text)


# --- writing, and what is lacking ----------------------------------------------------------------


def text_of(items: Sequence[Mapping[str, object]]) -> str:
    """All items as one cell; `read_text` gives the same items again."""
    return "；".join(item_text(item) for item in items)


def item_text(item: Mapping[str, object]) -> str:
    """One item as an office writes it, with every attribute that it has."""
    text = _quoted(str(item["name_zh"])) if item.get("name_zh") else ""
    is_long = item.get("data_type") is not None and item.get("length") is not None
    if item.get("data_type"):
        text += f":{item['data_type']}" + (f"({item['length']})" if is_long else "")
    shown = _IN_FRONT if is_long else _IN_FRONT[:2]
    more = [
        f"{name}={_quoted(as_text(item[name]))}"
        for name in RULES
        if name not in shown and item.get(name) not in (None, "")
    ]
    return text + (f"{{{','.join(more)}}}" if more else "")


def as_text(value: object) -> str:
    """One attribute as it is written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def with_default_type(
    items: Sequence[Mapping[str, object]], text: str, vocabularies: Vocabularies
) -> tuple[list[Item] | None, Finding | None]:
    """The items, those without a type with the one that `text` says, such as `M` or `C(100)`."""
    read, finding = read_text(f":{text}", vocabularies)
    is_type = read and len(read) == 1 and {*read[0]} in ({"data_type"}, {"data_type", "length"})
    if read is None or not is_type:
        allowed = list(vocabularies["item_data_type"].codes)
        return None, finding or Finding("inventory.E12", FIELD, text, {"allowed": allowed})
    return [dict(item) if item.get("data_type") else {**item, **read[0]} for item in items], None


def findings(items: Sequence[Mapping[str, object]]) -> list[Finding]:
    """What keeps items from becoming active: no name, no type, no length (E22)."""
    lacking = {
        "name_zh": [item for item in items if not item.get("name_zh")],
        "data_type": [item for item in items if not item.get("data_type")],
        "length": [
            item for item in items if item.get("data_type") in LONG_TYPES and not item.get("length")
        ],
    }
    return [
        Finding("inventory.E22", FIELD, _names(some), {"attribute": name})
        for name, some in lacking.items()
        if some
    ]


def _names(items: Sequence[Mapping[str, object]]) -> str:
    return "、".join(
        str(item.get("name_zh") or item.get("name_en") or item.get("code") or "—") for item in items
    )[:200]
