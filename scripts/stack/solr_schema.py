"""The Chinese schema: a pure transform of the installed CKAN's own `schema.xml`.

Three views of every text: pairs of characters (`text_zh`), single characters (`text_zh_uni`),
words (`text_zh_word`). Applied to its own result it changes nothing.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET

SCHEMA_NAME = "ckan-2.12"
TEXT_TYPES = frozenset({"text", "text_general"})
DOC_VALUES = frozenset(
    {
        "id",
        "site_id",
        "name",
        "tags",
        "groups",
        "organization",
        "license",
        "license_id",
        "res_format",
        "res_type",
        "state",
        "capacity",
        "dataset_type",
        "entity_type",
        "title_string",
        "metadata_created",
        "metadata_modified",
        "indexed_ts",
        "views_total",
        "views_recent",
        "vocab_*",
        "*_date",
    }
)
VIEWS = ("text_uni", "text_word")
NOT_TEXT = frozenset({"urls", "text"})

_CHARS = """
<charFilter class="solr.ICUNormalizer2CharFilterFactory" form="nfkc_cf"/>
<charFilter class="solr.MappingCharFilterFactory" mapping="t2s.txt"/>"""
_STEM = """
<filter class="solr.SnowballPorterFilterFactory" language="English" protected="protwords.txt"/>
<filter class="solr.ASCIIFoldingFilterFactory"/>"""
_TOKENS = '<tokenizer class="solr.StandardTokenizerFactory"/>'
_BIGRAM = (
    '<filter class="solr.CJKBigramFilterFactory" '
    'han="true" hiragana="false" katakana="false" hangul="false"/>'
)
_WORDS = """
<tokenizer class="solr.HMMChineseTokenizerFactory"/>
<filter class="solr.StopFilterFactory" words="stop_zh.txt"/>"""
_PAIRS = '<tokenizer class="solr.NGramTokenizerFactory" minGramSize="2" maxGramSize="2"/>'


def _text_type(name: str, *parts: str) -> str:
    analyzer = "".join(parts)
    return (
        f'<fieldType name="{name}" class="solr.TextField" positionIncrementGap="100">'
        f"<analyzer>{analyzer}</analyzer></fieldType>"
    )


NEW_TYPES = (
    _text_type("text_zh", _CHARS, _TOKENS, _BIGRAM, _STEM),
    _text_type("text_zh_uni", _CHARS, _TOKENS, _STEM),
    _text_type("text_zh_word", _CHARS, _WORDS, _STEM),
    '<fieldType name="string_dv" class="solr.StrField" sortMissingLast="true" omitNorms="true" '
    'docValues="true"/>',
)
NGRAM_TYPE = _text_type("text_ngram", _CHARS, _PAIRS)


def _field(name: str, kind: str, **attributes: str) -> str:
    given = {"indexed": "true", "stored": "false"} | attributes
    return (
        f'<field name="{name}" type="{kind}" '
        + " ".join(f'{key}="{value}"' for key, value in given.items())
        + "/>"
    )


NEW_FIELDS = (
    _field("title_uni", "text_zh_uni"),
    _field("title_word", "text_zh_word"),
    _field("text_uni", "text_zh_uni", multiValued="true"),
    _field("text_word", "text_zh_word", multiValued="true"),
    _field("tags_txt", "text_zh", multiValued="true"),
    _field("org_title", "text_zh", stored="true"),
    _field("docno", "string_dv", multiValued="true"),
    _field("title_py", "string", multiValued="true"),
    _field("title_pyi", "string", multiValued="true"),
    _field("title_sort", "string_dv", indexed="false"),
)
NEW_COPIES = (
    ("tags", "tags_txt"),
    ("title", "title_uni"),
    ("title", "title_word"),
    ("org_title", "text"),
)


def transform(schema: str) -> str:
    """Return the Chinese schema made from the text of CKAN's `schema.xml`.

    Raises ValueError when the schema is not the one of the CKAN version this was written for.
    """
    root = ET.fromstring(schema)  # noqa: S314  (a file of the installed CKAN)
    if root.get("name") != SCHEMA_NAME:
        raise ValueError(f"schema {root.get('name')!r}, expected {SCHEMA_NAME!r}")
    _replace_types(root)
    _change_fields(root)
    _add_fields(root)
    _add_copies(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _fields(root: ET.Element) -> list[ET.Element]:
    return [*root.iter("field"), *root.iter("dynamicField")]


def _replace_types(root: ET.Element) -> None:
    types = _section(root, "types")
    fresh = [ET.fromstring(source) for source in (*NEW_TYPES, NGRAM_TYPE)]  # noqa: S314
    names = {element.get("name") for element in fresh}
    for old in [e for e in types if e.get("name") in names]:
        types.remove(old)
    types.extend(fresh)


def _section(root: ET.Element, name: str) -> ET.Element:
    found = root.find(name)
    return root if found is None else found


def _change_fields(root: ET.Element) -> None:
    for field in _fields(root):
        name = field.get("name")
        if field.get("type") in TEXT_TYPES:
            field.set("type", "text_zh")
        if name in DOC_VALUES:
            field.set("docValues", "true")
        if name in ("title_ngram", "name_ngram"):
            field.set("stored", "false")
        if name == "_version_":
            field.attrib.update(type="plong", indexed="false", docValues="true")


def _add_fields(root: ET.Element) -> None:
    section = _section(root, "fields")
    known = {field.get("name") for field in _fields(root)}
    place = next(i for i, element in enumerate(section) if element.tag == "dynamicField")
    for source in reversed(NEW_FIELDS):
        field = ET.fromstring(source)  # noqa: S314
        if field.get("name") not in known:
            section.insert(place, field)


def text_sources(root: ET.Element) -> list[str]:
    """Return the fields that CKAN copies to `text`, less its addresses and `text` itself."""
    return [
        source
        for copy in root.iter("copyField")
        if copy.get("dest") == "text" and (source := copy.get("source", "")) not in NOT_TEXT
    ]


def _add_copies(root: ET.Element) -> None:
    wanted = list(NEW_COPIES)
    sources = dict.fromkeys([*text_sources(root), "org_title"])
    wanted += [(source, view) for source in sources for view in VIEWS]
    known = {(c.get("source"), c.get("dest")) for c in root.iter("copyField")}
    for source, dest in wanted:
        if (source, dest) not in known:
            ET.SubElement(root, "copyField", source=source, dest=dest)
