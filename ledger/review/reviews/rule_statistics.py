"""What came of rules over time: flagged, closed, looked past, judged, and missed, by the day of the record examined."""

from collections.abc import Iterator
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, func, select

from ledger.core.disposition import Judgement
from ledger.findings.tables import rule_finding
from ledger.review.alcoa.totals import Days
from ledger.review.known.days import HOURS, Period, day_text, period_of
from ledger.review.life.suppressions import suppressed, suppressions
from ledger.review.reviews import tables as t
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.schema import as_of

_EVER: Final = "", ""
_DAY: Final = (schema.record.c.hour // HOURS).label("day")


class RuleCounts(msgspec.Struct, kw_only=True):
    """Of a rule and the records of the days from `first` to `last` (empty: all, of those that are there no more).

    `flagged`: findings that there ever were, of which some stand and some were `closed` again; of those that stand
    `suppressed` are looked past now. `confirmed`, `dismissed` and `explained`: as they were judged last; `open`: stand
    and nobody judged them. `missed`: records in which a person found what the rule did not.
    """

    rule: str
    first: str
    last: str
    flagged: int = 0
    closed: int = 0
    suppressed: int = 0
    confirmed: int = 0
    dismissed: int = 0
    explained: int = 0
    open: int = 0
    missed: int = 0


def rule_statistics(
    connection: Connection,
    log: int,
    size: int,
    at_us: int,
    days: Days,
    period: Period | None = None,
    rule: str | None = None,
) -> list[RuleCounts]:
    """By rule and period (None: all days together), as of a size; `at_us`: of which moment suppressions are."""
    found: dict[tuple[str, str], RuleCounts] = {}

    def of(name: str, day: int | None) -> RuleCounts:
        first, last = _EVER if period is None or day is None else map(day_text, period_of(day, period))
        if (name, first) not in found:
            found[name, first] = RuleCounts(rule=name, first=first, last=last)
        return found[name, first]

    for name, day, stands, judgement, count in connection.execute(_findings(log, size, days, rule)):
        counts = of(name, day)
        counts.flagged += count
        counts.closed += 0 if stands else count
        if judgement is not None:
            setattr(counts, Judgement(judgement).value, getattr(counts, judgement) + count)
        elif stands:
            counts.open += count
    for name, day in _looked_past(connection, log, size, at_us, days, rule):
        of(name, day).suppressed += 1
    for name, day, count in connection.execute(_misses(log, size, days, rule)):
        of(name, day).missed += count
    return [found[key] for key in sorted(found)]


def _findings(log: int, size: int, days: Days, rule: str | None) -> Select[str, int | None, int, str | None, int]:
    """How many findings there are by rule and day, whether they stand, and how they were judged."""
    one, record, judged = rule_finding.c, schema.record.c, t.disposition.c
    beside = and_(judged.log == log, judged.key == one.key, as_of(t.disposition, size))
    chosen = (
        select(one.rule, _DAY, one.stands, judged.judgement, func.count())
        .select_from(rule_finding)
        .outerjoin(schema.record, record.pos == pos_of(log, 0) + one.anchor)
        .outerjoin(t.disposition, beside)
        .where(one.log == log, as_of(rule_finding, size), *_within(days))
        .group_by(one.rule, _DAY, one.stands, judged.judgement)
    )
    return chosen if rule is None else chosen.where(one.rule == rule)


def _looked_past(
    connection: Connection, log: int, size: int, at_us: int, days: Days, rule: str | None
) -> Iterator[tuple[str, int | None]]:
    """The rule and day of each finding that stands and is looked past."""
    rules = {past.rule for past in suppressions(connection, log, size, at_us) if past.in_force}
    rules = rules if rule is None else rules & {rule}
    one, record = rule_finding.c, schema.record.c
    chosen = (
        select(one.rule, one.anchor, _DAY)
        .select_from(rule_finding)
        .outerjoin(schema.record, record.pos == pos_of(log, 0) + one.anchor)
        .where(one.log == log, one.rule.in_(sorted(rules)), one.stands == 1, as_of(rule_finding, size), *_within(days))
    )
    rows = connection.execute(chosen).all() if rules else []
    past = suppressed(connection, log, size, at_us, [(name, anchor) for name, anchor, _ in rows])
    return ((name, day) for name, anchor, day in rows if (name, anchor) in past)


def _misses(log: int, size: int, days: Days, rule: str | None) -> Select[str, int | None, int]:
    """How many misses there are by rule and day; of what no rule looks for there are none."""
    one, record = t.rule_miss.c, schema.record.c
    chosen = (
        select(one.rule, _DAY, func.count())
        .select_from(t.rule_miss)
        .outerjoin(schema.record, record.pos == pos_of(log, 0) + one.record)
        .where(one.pos >= pos_of(log, 0), one.pos < pos_of(log, size), one.rule.is_not(None), *_within(days))
        .group_by(one.rule, _DAY)
    )
    return chosen if rule is None else chosen.where(one.rule == rule)


def _within(days: Days) -> Iterator[ColumnElement[bool]]:
    hour = schema.record.c.hour
    if days.first is not None:
        yield hour >= days.first * HOURS
    if days.last is not None:
        yield hour < (days.last + 1) * HOURS
