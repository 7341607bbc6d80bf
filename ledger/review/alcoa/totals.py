"""Totals of stored assessments by source, attribute and period, and the records behind each number."""

from collections import defaultdict
from collections.abc import Iterator

import msgspec
from sqlalchemy import ColumnElement, Connection, func, select

from ledger.core.assessment import Attribute
from ledger.core.errors import SchemaViolation
from ledger.review.alcoa.attributes import Result, Verdict
from ledger.review.alcoa.blocks import Held, Place, newest
from ledger.review.alcoa.tables import assessed
from ledger.review.known.days import Period, day_of, day_text, period_of
from ledger.store.position import index_of, pos_of

_COLUMN = {Result.HOLDS: assessed.c.passed, Result.FAIL: assessed.c.failed, Result.NOT_ASSESSABLE: assessed.c.open}


class Days(msgspec.Struct, frozen=True, kw_only=True):
    """Days (UTC) from the first to the last, both included; None: without end."""

    first: int | None = None
    last: int | None = None

    @classmethod
    def read(cls, first: str | None, last: str | None) -> "Days":
        """As their texts tell; raises SchemaViolation for a text that is no day, and where the first is the later."""
        days = [None if text is None else day_of(text) for text in (first, last)]
        if days[0] is not None and days[1] is not None and days[0] > days[1]:
            raise SchemaViolation(f"{first} is after {last}", advice="Give the earlier day first.")
        return cls(first=days[0], last=days[1])


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """Of how many records of a source, of the days from `first` to `last`, an attribute holds, fails, and cannot be
    assessed (`open`).
    """

    source: str
    attribute: Attribute
    first: str
    last: str
    passed: int
    failed: int
    open: int


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """A record behind a number: its entry, its day, and what fails or is missing (null where the attribute holds);
    `assessment`: the entry that says so.
    """

    index: int
    day: str
    code: str | None
    assessment: int


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Records behind a number, by day and entry; `next_after` gives the next page, null: this was the last."""

    records: tuple[Behind, ...]
    next_after: str | None


def last_day(connection: Connection, log: int, size: int) -> int | None:
    """The last day of which records were assessed, as of a size; None: none were."""
    row = assessed.c
    mine = row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)
    found: int | None = connection.scalar(select(func.max(row.day)).where(mine))
    return found


def assessed_sources(connection: Connection, log: int, size: int) -> list[str]:
    """The sources of which records were assessed, as of a size, in order."""
    row = assessed.c
    mine = row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)
    return list(connection.scalars(select(row.source).where(mine).distinct().order_by(row.source)))


def totals(
    connection: Connection, log: int, size: int, days: Days, period: Period | None = None, source: str | None = None
) -> list[Total]:
    """The totals as of a size, in order of source, period and attribute; without a period over all of the days."""
    row = assessed.c
    chosen = select(row.source, row.day, row.attribute, row.passed, row.failed, row.open).where(
        newest(log, size), *_among(days)
    )
    if source is not None:
        chosen = chosen.where(row.source == source)
    found: dict[tuple[str, tuple[int, int], str], list[int]] = defaultdict(lambda: [0, 0, 0])
    spans: dict[str, tuple[int, int]] = {}
    for of, day, attribute, *numbers in connection.execute(chosen):
        low, high = spans.get(of, (day, day))
        spans[of] = min(low, day), max(high, day)
        sums = found[of, (0, 0) if period is None else period_of(day, period), attribute]
        sums[:] = map(sum, zip(sums, numbers, strict=True))
    order = {one.value: place for place, one in enumerate(Attribute)}
    made = []
    for (of, within, attribute), (passed, failed, open_) in sorted(
        found.items(), key=lambda one: (one[0][0], one[0][1], order[one[0][2]])
    ):
        first, last = _clipped(spans[of] if period is None else within, days)
        made.append(
            Total(
                source=of,
                attribute=Attribute(attribute),
                first=day_text(first),
                last=day_text(last),
                passed=passed,
                failed=failed,
                open=open_,
            )
        )
    return made


def behind(
    connection: Connection,
    log: int,
    size: int,
    source: str,
    attribute: Attribute,
    result: Result,
    days: Days,
    after: str | None,
    limit: int,
) -> Page:
    """The records that a total counts, some at a time; raises SchemaViolation for an `after` that no page gave."""
    past = None if after is None else _place(after)
    found: list[Behind] = []
    for day, entry, index, verdict in _behind(connection, log, size, source, attribute, result, days, past):
        if len(found) == limit:
            return Page(records=tuple(found), next_after=f"{found[-1].day}.{found[-1].index}")
        code = verdict.partition(":")[2] or None
        found.append(Behind(index=index, day=day_text(day), code=code, assessment=entry))
    return Page(records=tuple(found), next_after=None)


def _behind(
    connection: Connection,
    log: int,
    size: int,
    source: str,
    attribute: Attribute,
    result: Result,
    days: Days,
    past: tuple[int, int] | None,
) -> Iterator[tuple[int, int, int, Verdict]]:
    row, held = assessed.c, Held(connection, log, size)
    chosen = (
        select(row.day, row.pos)
        .where(newest(log, size), row.source == source, row.attribute == attribute, _COLUMN[result] > 0, *_among(days))
        .order_by(row.day)
    )
    if past is not None:
        chosen = chosen.where(row.day >= past[0])
    for day, pos in connection.execute(chosen).all():
        entry = index_of(pos)
        for index, verdict in held.at(entry, Place(source, day)).having(attribute, result):
            if past is None or (day, index) > past:
                yield day, entry, index, verdict


def _among(days: Days) -> Iterator[ColumnElement[bool]]:
    if days.first is not None:
        yield assessed.c.day >= days.first
    if days.last is not None:
        yield assessed.c.day <= days.last


def _clipped(within: tuple[int, int], days: Days) -> tuple[int, int]:
    first, last = within
    return (
        first if days.first is None else max(first, days.first),
        last if days.last is None else min(last, days.last),
    )


def _place(after: str) -> tuple[int, int]:
    day, _, index = after.partition(".")
    if not (index.isascii() and index.isdigit() and len(index) <= 16):
        raise SchemaViolation(f"{after!r} is no place on a page", advice="Give `next_after` of the page before.")
    return day_of(day), int(index)
