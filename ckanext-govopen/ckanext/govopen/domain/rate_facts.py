"""What the rates are computed from, the numbers of their rule set, and the rows they become.

Facts are histories: every value stands with the day from which it holds. Part of `domain.rates`,
through which everything here is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ckanext.govopen.domain.errors import Finding

UNIT_RATE = "open_unit_rate"
DATA_RATE = "data_open_rate"
VARIANTS = {
    UNIT_RATE: ("headline", "strict", "effective"),
    DATA_RATE: ("headline", "openable", "items", "volume", "effective", "unconditional"),
}
Timeline = tuple[tuple[date, str], ...]
"""(day, value) in order of days: the value holds from that day until the next entry."""


class RateError(ValueError):
    """Facts or rows that no figure may be made of; `finding` says which."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"{finding.code} {finding.field or ''} {finding.value or ''}".strip())
        self.finding = finding


@dataclass(frozen=True)
class Range:
    """Days from `from_on` up to `to_on`, which is exclusive; None: without end."""

    from_on: date
    to_on: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)


Ranges = tuple[Range, ...]


@dataclass(frozen=True)
class Succession:
    """What became of a unit (vocabulary `succession_kind`); `other` is the (lead) successor."""

    kind: str
    on: date
    other: str | None = None


@dataclass(frozen=True)
class UnitFacts:
    """A unit as the rates see it.

    Args:
        unit_id: its id; a renamed unit keeps it.
        kind, level: codes of the vocabularies `unit_kind` and `unit_level`.
        valid_from: founding date, from which the grace counts.
        valid_to: first day on which it no longer exists.
        in_scope: 纳入开放统计.
        has_id: has a USCC or a local code.
        first_inventory_on: day of its first inventory load, which ends the grace.
        no_data: approved 无公共数据资源声明, until each lapses.
        successions: what it became.
        dual_of: unit of which it is only another name (加挂牌子).
        parent: unit to which a subordinate institution rolls up.
    """

    unit_id: str
    kind: str
    valid_from: date
    valid_to: date | None = None
    level: str = "city"
    in_scope: Ranges = ()
    has_id: bool = True
    first_inventory_on: date | None = None
    no_data: Ranges = ()
    successions: tuple[Succession, ...] = ()
    dual_of: str | None = None
    parent: str | None = None


@dataclass(frozen=True)
class Merge:
    """An inventory line counted under another one: `reason` is `duplicate` or `grouped`."""

    during: Range
    into: str
    reason: str = "duplicate"


@dataclass(frozen=True)
class Amounts:
    """Declared sizes of an inventory line from a day on; None where nobody said."""

    from_on: date
    items_total: int | None = None
    items_open: int = 0
    rows: int | None = None
    rows_opened: int = 0


@dataclass(frozen=True)
class ResourceFacts:
    """An inventory line (`data_resource`) as the rates see it.

    Args:
        code: its register entry code.
        units: provider, by day.
        status: draft · in_review · active · retired, by day; a waiting revision leaves it active.
        published_on: day on which it became active; the grace counts from it.
        open_type: unconditional · conditional · withheld, by day.
        first_load: came with its unit's first inventory load: no grace.
        secrecy: only `non_secret` is ever counted, or shown.
        amounts: items and rows, by day.
        merged: stretches in which it is counted under another line.
        legal_order: takedowns ordered by law.
        catalog_visible, revision_pending: for the pages; neither moves a figure.
    """

    code: str
    units: Timeline
    status: Timeline
    published_on: date
    open_type: Timeline
    first_load: bool = False
    secrecy: str = "non_secret"
    amounts: tuple[Amounts, ...] = ()
    merged: tuple[Merge, ...] = ()
    legal_order: Ranges = ()
    catalog_visible: bool = True
    revision_pending: bool = False


@dataclass(frozen=True)
class DistributionFacts:
    """One file or service of a dataset; a withdrawal of the dataset does not end its presence.

    Args:
        present: it is machine-readable, not empty and, if uploaded, its bytes are there.
        failing: a linked one answers wrongly, from the first failed check on.
    """

    present: Ranges
    failing: Ranges = ()


@dataclass(frozen=True)
class StaleRange:
    """A stretch without the promised update; dead from `dead_from` on."""

    from_on: date
    to_on: date | None = None
    dead_from: date | None = None


@dataclass(frozen=True)
class Link:
    """A dataset opens an inventory line.

    A withdrawal does not end the link: a repair keeps its credit and an order of law takes the
    line along only while the dataset is known to belong to it.
    """

    resource: str
    during: Range


@dataclass(frozen=True)
class DatasetFacts:
    """An open dataset as the rates see it.

    Args:
        dataset_id: package id.
        units: provider, by day.
        published: stretches in which it is public by an approved review.
        open_type: unconditional · conditional · withheld, by day.
        distributions: its files and services.
        links: inventory lines that it opens.
        repairs: first days of withdrawals with the `maintenance` flag.
        stale: stretches without the promised update.
        unanswerable: stretches in which no request for conditional data could be answered.
        duplicate: stretches in which it only mirrors another one.
        legal_order: takedowns ordered by law, each until the order ends.
        revision_pending: for the pages; moves no figure.
    Every history is in order of days.
    """

    dataset_id: str
    units: Timeline
    published: Ranges
    open_type: Timeline
    distributions: tuple[DistributionFacts, ...]
    links: tuple[Link, ...] = ()
    repairs: tuple[date, ...] = ()
    stale: tuple[StaleRange, ...] = ()
    unanswerable: Ranges = ()
    duplicate: Ranges = ()
    legal_order: Ranges = ()
    revision_pending: bool = False


@dataclass(frozen=True)
class Target:
    """Percent to reach from a year on; earlier years are milestones."""

    rate: str
    variant: str
    from_year: int
    percent: int


@dataclass(frozen=True)
class Parameters:
    """Every number of the rule set; all of them decisions of ours (docs/en/administrator.md).

    The targets are the source's own: 90 % and 60 % by 2020 (京人社办发〔2016〕179号 四.2); 100 % of
    what may be opened is an internal one.
    """

    rule_set: str = "rate-rules/1"
    unit_kinds: tuple[str, ...] = ("gov_organ", "public_institution", "authorized_org")
    roll_up_kinds: tuple[str, ...] = ("public_institution",)
    count_vertical: bool = False
    conditional_counts: bool = True
    grace_days_unit: int = 90
    grace_days_resource: int = 30
    failing_days: int = 7
    dead_cycles: int = 2
    dead_days: int = 180
    repair_days: int = 10
    repair_days_year: int = 30
    orphan_days: int = 30
    conditional_reply_workdays: int = 30
    openable_period: str = "quarter"
    freeze_workdays: int = 5
    targets: tuple[Target, ...] = (
        Target(UNIT_RATE, "headline", 2020, 90),
        Target(DATA_RATE, "headline", 2020, 60),
        Target(DATA_RATE, "openable", 2020, 100),
    )


DEFAULTS = Parameters()


@dataclass(frozen=True)
class Membership:
    """A record counts in a figure, or is kept out of it, for a stretch of days.

    Args:
        rate, variant: of `VARIANTS`.
        record: unit id (`open_unit_rate`) or register entry code (`data_open_rate`).
        unit_id: the unit that the record belongs to on those days, by succession.
        side: numerator · denominator · excluded; a numerator row has a denominator row beside it.
        amount: 1, or items, or rows.
        reason: code of the vocabulary `rate_reason`.
        from_on, to_on: days; `to_on` is exclusive, None without end.
    """

    rate: str
    variant: str
    record: str
    unit_id: str
    side: str
    amount: int
    reason: str
    from_on: date
    to_on: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.from_on <= day and (self.to_on is None or day < self.to_on)
