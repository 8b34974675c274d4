"""What the scan looks for: patterns as data, with the checks behind it.

Every pattern is anchored by ASCII look-arounds: `\\b` fails beside Chinese characters, which count
as letters. A number alone proves little (1 of 11 order numbers passes the check of an identity
number by chance), so each pattern says how often chance would pass; columns decide in `scan`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import mul

from ckanext.govopen.domain import scan_text as text

SEVERITIES = ("info", "med", "high", "critical")

# What may stand between the digits of one number, after folding.
SEPARATORS = r" \t\r\n\-‐‒–—―−_"

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ZEROS = ord("0") * sum(_ID_WEIGHTS)  # digits are taken as their bytes
_ID_CHECKS = "10X98765432"
_ID_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_CENTURIES = range(18, 21)
_ID15_SHAPE = re.compile(r"[1-9][0-9]{7}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}")
MOBILE_BEGINNINGS = frozenset(f"1{digit}" for digit in range(3, 10))
# By the number of digits: UnionPay, Visa, Mastercard, JCB and American Express.
CARD_BEGINNINGS = {
    15: frozenset({"34", "37"}),
    16: frozenset({"62", "35", *map(str, range(40, 50)), *map(str, range(51, 56))}),
    17: frozenset({"62"}),
    18: frozenset({"62"}),
    19: frozenset({"62"}),
}
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def id_check_character(first17: str) -> str:
    """The 18th character of an identity number (GB 11643-1999, MOD 11-2)."""
    total = sum(map(mul, first17.encode(), _ID_WEIGHTS)) - _ZEROS
    return _ID_CHECKS[total % 11]


def is_id_shaped(value: str) -> bool:
    """18 characters in the form of an identity number with a date that exists."""
    return _ID_SHAPE.fullmatch(value) is not None and has_birthday(value)


def has_birthday(value: str) -> bool:
    """17 digits, whatever follows them, with a day where identity numbers have it."""
    return value[0] != "0" and _is_day(value[6:14])


@lru_cache(maxsize=1 << 16)
def _is_day(digits: str) -> bool:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).year // 100 in _CENTURIES
    except ValueError:
        return False


def is_residence(value: str) -> bool:
    """A permit of residents from Hong Kong, Macao and Taiwan, or of foreigners."""
    return value.startswith(("81", "82", "83", "9"))


def is_id15_shaped(value: str) -> bool:
    """15 digits in the form of the old identity number, which has no check character."""
    return _ID15_SHAPE.fullmatch(value) is not None


def is_card_shaped(value: str) -> bool:
    """Digits with the length and the beginning of a bank card."""
    return value[:2] in CARD_BEGINNINGS.get(len(value), ())


def is_of_a_chinese_bank(value: str) -> bool:
    """Begins with the range that UnionPay gives out."""
    return value.startswith("62")


def passes_luhn(value: str) -> bool:
    """The check digit of bank cards (ISO/IEC 7812-1)."""
    digits = value.encode()
    simple, doubled = digits[-1::-2], digits[-2::-2].translate(_DOUBLED)
    return (sum(simple) + sum(doubled) - ord("0") * len(digits)) % 10 == 0


@dataclass(frozen=True)
class Pattern:
    """One kind of finding.

    Args:
        code: term of the vocabulary `scan_pattern`.
        severity: of a finding that stands; one of `SEVERITIES`.
        mask: how a value is shown.
        chance: how often a number of that form that is none passes the check; 0: never asked.
        words: headings and words before a number that say that it is one.
    """

    code: str
    severity: str
    mask: Callable[[str], str]
    chance: float = 0.0
    words: re.Pattern[str] | None = None


def _words(*alternatives: str) -> re.Pattern[str]:
    return re.compile("|".join(alternatives), re.IGNORECASE)


_NUMBER = "(?:件|证件)?(?:号码|编号|编码|代码|號碼|號|号|码)*"
ID_WORDS = _words(
    f"(?:身份证|身分证|身份證|身分證|公民身份|身份号|证件|證件){_NUMBER}",
    r"id[ _-]?card(?:[ _-]?(?:no|number))?", r"identity", r"sfzh?m?", r"zjhm", r"gmsfhm",
)  # fmt: skip
CERTAIN_ID_WORDS = _words(
    "身份证", "身分证", "身份證", "身分證", "公民身份", r"id[ _-]?card", "gmsfhm"
)
PHONE_WORDS = _words(
    f"(?:电话|電話|手机|手機|联系方式|联系电话|联系人|移动电话|热线|微信){_NUMBER}",
    r"(?<![a-z])(?:tel|telephone|phone|mobile|cell|contact|lxdh|sjhm?|dhhm)(?![a-z])",
)  # fmt: skip
CARD_WORDS = _words(
    f"(?:银行卡|储蓄卡|信用卡|社保卡|借记卡|银行账|账|帐|账户|帐户|开户行|开户){_NUMBER}",
    "卡(?:号码|编号|号)",
    r"(?<![a-z])(?:card|bank|account|acct|yhkh|yhzh)(?![a-z])",
)  # fmt: skip
PASSPORT_WORDS = _words("护照", "護照", "通行证", "通行證", "passport", "旅行证")
DISABILITY_WORDS = _words("残疾", "殘疾")
PUPIL_WORDS = _words("学籍", "學籍", "学生")
# Numbers that count things and not people.
NUMBER_WORDS = _words(
    "订单", "流水", "单号", "编号", "编码", "代码", "文号", "案号", "合同", "项目", "批次", "条码",
    "条形码", "序列号", "序号", "受理号", "业务号", "交易号", "凭证", "发票", "运单", "快递",
    "回执",
    "电表", "水表", "表号", "设备", "ICCID", "SIM", "许可证", "备案",
    "信用代码", "纳税人识别", "税号", "校验码", "设备号", "機號", "訂單", "編號",
    r"(?<![a-z])(?:order|serial|trade|batch|invoice|tracking|barcode|sku|code|uuid|hash|ean|imei)"
    r"(?![a-z])",
)  # fmt: skip
PERSON_NAME_WORDS = _words(
    "姓名",
    "联系人",
    "法定代表人",
    "户主",
    "申请人",
    "当事人",
    "患者",
    "学生",
    r"(?<![a-z])name(?![a-z])",
)
HOME_WORDS = _words("住址", "户籍", "家庭地址", "家庭住址", "居住地址", "现住")

_PATTERNS = (
    Pattern("id18", "high", text.mask_id, 1 / 11, ID_WORDS),
    Pattern("id_embed", "high", text.mask_id, 1 / 11, DISABILITY_WORDS),
    Pattern("residence", "high", text.mask_id, 1 / 11, ID_WORDS),
    Pattern("id15", "med", text.mask_id, 0.0, ID_WORDS),
    Pattern("mobile", "high", text.mask_mobile, 7 / 90, PHONE_WORDS),
    Pattern("landline", "info", text.mask_landline),
    Pattern("bankcard", "high", text.mask_card, 1 / 10, CARD_WORDS),
    Pattern("uscc", "info", text.mask_code),
    Pattern("passport", "high", text.mask_code, 0.0, PASSPORT_WORDS),
    Pattern("plate", "med", text.mask_code),
    Pattern("name_address", "high", text.mask_address),
    Pattern("email", "med", text.mask_email),
    Pattern("sensitive_topic", "high", text.show),
    Pattern("secret_mark", "critical", text.show),
    Pattern("internal_mark", "high", text.show),
    Pattern("draft_mark", "med", text.show),
    Pattern("credential", "high", text.mask_secret),
    Pattern("military", "high", text.mask_code),
    Pattern("private_address", "high", text.mask_code),
    Pattern("position", "high", lambda value: "***"),
)
PATTERNS = {pattern.code: pattern for pattern in _PATTERNS}

# Codes that are found by what they look like; (code, expression with the value as its match). No
# expression tells one digit from another, so that they can be tried on a shape (`scan_shape`).
TEXT_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "passport",
        re.compile(
            r"(?<![0-9A-Za-z])(?:E[0-9A-HJ-NP-Z][0-9]{7}|G[0-9]{8}|[DSP]E?[0-9]{7,8}|[HMC][0-9]{8,10})"
            r"(?![0-9A-Za-z])"
        ),
    ),
    (
        "plate",
        re.compile(
            "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·・•. ]?"
            "(?:[DF][0-9A-HJ-NP-Z][0-9]{4}|[0-9]{5}[DF]|[0-9A-HJ-NP-Z]{4}[0-9A-HJ-NP-Z挂学警港澳])"
            "(?![0-9A-Za-z])"
        ),
    ),
    ("secret_mark", re.compile(r"(?:绝\s*密|机\s*密|秘\s*密|絕\s*密|機\s*密)\s*[★☆*]\s*"
                               r"(?:[0-9]{1,2}\s*(?:年|个月|天)|长期|解密前)?")),
    (
        "internal_mark",
        re.compile(
            "内部(?:资料|文件|使用|参考|掌握)|注意保存|不得外传|会后收回|阅后(?:即焚|收回|清退)"
            "|未经(?:批准|许可)不得(?:引用|转载|公开)|工作秘密|仅供.{0,6}(?:内部|领导)参阅"
        ),
    ),
    ("email", re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}")),
    ("draft_mark", re.compile("征求意见稿|送审稿|讨论稿|代拟稿|会签")),
    (
        "sensitive_topic",
        re.compile(
            "诊断|病历|(?<![A-Za-z])HIV(?![A-Za-z])"  # not in a code that happens to spell it
            "|艾滋病|残疾等级|低保户|未成年人|银行余额|宗教信仰"
        ),
    ),
    ("credential", re.compile(r"(?i)(?:password|passwd|secret|token)\s*[:=]\s*[^\s,;\"']{3,}"
                              r"|jdbc:[a-z0-9]+:[^\s\"']{3,}")),
    ("military", re.compile("军字第[0-9]+号")),
)  # fmt: skip
# Mail of a person; that of an office is meant to be public, as its landline is.
PERSONAL_MAIL = re.compile(
    r"(?i)@(?:vip\.)?(?:qq|163|126|139|189|188|yeah|sina|sohu|foxmail|aliyun|gmail|hotmail|outlook"
    r"|live|msn|yahoo|icloud|21cn|tom|wo|proton(?:mail)?)\."
)
USCC = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}(?![0-9A-Za-z])"
)
_OCTETS = r"\.[0-9]{1,3}\.[0-9]{1,3}"
# Codes that certain digits make: expression, and what it comes to when all digits are alike.
BY_DIGITS = {
    "private_address": (
        re.compile(
            rf"(?<![0-9.])(?:10\.[0-9]{{1,3}}|192\.168|172\.(?:1[6-9]|2[0-9]|3[01])){_OCTETS}(?![0-9.])"
        ),
        re.compile(rf"(?<![0-9.])[0-9]{{2,3}}\.[0-9]{{1,3}}{_OCTETS}(?![0-9.])"),
    ),
    "landline": (
        re.compile(r"(?<![0-9])0[0-9]{2,3}[- ]?[1-9][0-9]{6,7}(?![0-9])"),
        re.compile(r"(?<![0-9])[0-9]{3,4}[- ]?[0-9]{7,8}(?![0-9])"),
    ),
}
ADDRESS = re.compile("(?:省|市|区|县|镇|乡|村).{0,20}?[0-9]+(?:号|栋|幢|单元|室)")
# A classification alone on a line counts near the top of a document.
BARE_MARK = re.compile(r"\s*(?:绝\s*密|机\s*密|秘\s*密|絕\s*密|機\s*密)\s*")


@dataclass(frozen=True)
class Hint:
    """What has to stand in a text for some patterns to match; never narrower than they are.

    Many texts are asked at once, joined, and most of the work is to find out that there is nothing.

    Args:
        codes: of the patterns that it stands for.
        gate: what the expression needs and what is quicker to search for.
    """

    codes: tuple[str, ...]
    expression: re.Pattern[str]
    gate: re.Pattern[str] | None = None

    def is_open(self, text: str) -> bool:
        """False when the expression cannot match."""
        return self.gate is None or self.gate.search(text) is not None


_CAPITAL = re.compile("[A-Z]")
# Numbers of all kinds, among them credit codes of digits alone.
NUMBERS = Hint(("uscc",), re.compile(rf"[0-9][0-9{SEPARATORS}]{{9,}}[0-9Xx]"))
HINTS = (
    NUMBERS,
    Hint(("passport",), re.compile("[EGDSPHMC][0-9A-Z][0-9]{6}"), _CAPITAL),
    Hint(("uscc",), re.compile("[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}"), _CAPITAL),
    Hint(
        ("plate",),
        re.compile("[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"),
        _CAPITAL,
    ),
    Hint(
        ("secret_mark", "internal_mark", "draft_mark", "sensitive_topic", "military"),
        # The first characters stand apart: a set is searched for much quicker than alternatives.
        re.compile(
            r"[绝机秘絕機内注不会阅未工仅征送讨代诊病H艾残低银宗军](?:\s*密|部[资文使参掌]|意保存|得外传|后[收即清]"
            "|经[批许]|作秘密|供|求意见稿|审稿|论稿|拟稿|签|断|历|IV|滋病|疾等级|保户|成年人|行余额|教信仰|字第)"
        ),
    ),
    Hint(
        ("credential",),
        # In any case, as `(?i)` has it with its long s and Kelvin sign, but several times quicker.
        re.compile(
            "[pPsSſtTjJ](?:[aA][sSſ][sSſ][wW]|[eE][cC][rR][eE][tT]|[oO][kKK][eE][nN]|[dD][bB][cC]:)"
        ),
    ),
    Hint(("email",), re.compile("[A-Za-z0-9._%+-]@[A-Za-z0-9-]"), re.compile("@")),
    Hint(("private_address",), re.compile(r"\.(?<=[0-9]{2}\.)[0-9]")),
)  # fmt: skip


def severity_at_most(severities: Iterable[str]) -> str:
    """The gravest of some severities, `clean` for none."""
    return max(severities, key=SEVERITIES.index, default="clean")
