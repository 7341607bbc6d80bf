"""Counts records as an old system counts its rows: by year, month, user, action, type of object."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from ledger.core.clock import utc_text
from ledger.core.record import Record
from ledger.core.times import SourceTime
from ledger.sources.import_kinds import MAX_TOTALS, By, Counts, Difference, Expected, Total

UNKNOWN: Final = "(not said)"
"""The value of a record that names no such time or user."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
NO_RECORDS, NOT_OWN, UNREAD, UNENDED, RECONFIGURED = (
    "rows that are no records",
    "rows without a record of their own",
    "stretches that were not read",
    "reading that did not come to the end",
    "changes of mapping or configuration meanwhile",
)


class Tally:
    """What was counted so far; memory grows with the number of different values alone."""

    def __init__(self) -> None:
        self.counts: dict[By, Counter[str]] = {by: Counter() for by in By}
        self._first: int | None = None
        self._last: int | None = None

    def add(self, record: Record) -> None:
        """Counts a record."""
        month = _local_month(record.occurred_at)
        self.counts[By.YEAR][month[:4] if month else UNKNOWN] += 1
        self.counts[By.MONTH][month or UNKNOWN] += 1
        self.counts[By.USER][record.actor.account or UNKNOWN] += 1
        self.counts[By.ACTION][record.action.value] += 1
        self.counts[By.OBJECT_TYPE][record.object.type] += 1
        instant = record.occurred_at.instant_us
        if instant is not None:
            self._first = instant if self._first is None else min(self._first, instant)
            self._last = instant if self._last is None else max(self._last, instant)

    @property
    def first(self) -> str | None:
        """The earliest instant, in UTC."""
        return None if self._first is None else utc_text(self._first)

    @property
    def last(self) -> str | None:
        """The latest instant, in UTC."""
        return None if self._last is None else utc_text(self._last)

    def totals(self, expected: Expected) -> tuple[Total, ...]:
        """By year, and by whatever the old system counts by; the greatest where there are very many."""
        wanted = {By.YEAR, *(one.by for one in expected.totals)}
        found = [
            Total(by=by, value=value[:512], records=count)
            for by in By
            if by in wanted
            for value, count in sorted(self.counts[by].items())
        ]
        if len(found) > MAX_TOTALS:
            found = sorted(found, key=lambda one: -one.records)[:MAX_TOTALS]
        return tuple(found)


def differences(expected: Expected, counts: Counts, tally: Tally, troubles: dict[str, int]) -> tuple[Difference, ...]:
    """All that is other than the old system says; without a stated number of rows, that too."""
    found = []
    if expected.rows != counts.rows:
        found.append(Difference(what="rows", expected=expected.rows, found=counts.rows))
    unlike = {NO_RECORDS: counts.quarantined, NOT_OWN: counts.rows - counts.quarantined - counts.records, **troubles}
    found += [Difference(what=what, expected=0, found=number) for what, number in unlike.items() if number]
    for one in expected.totals:
        number = tally.counts[one.by][one.value]
        if number != one.records:
            found.append(Difference(what=f"{one.by} {one.value}"[:512], expected=one.records, found=number))
    for by in sorted({one.by for one in expected.totals}):
        stated = {one.value for one in expected.totals if one.by is by}
        others = sum(number for value, number in tally.counts[by].items() if value not in stated)
        if others:
            found.append(Difference(what=f"{by}, others than stated", expected=0, found=others))
    return tuple(found)


def _local_month(time: SourceTime) -> str:
    """Year and month by the source's own clock; empty where the time names no instant."""
    if time.instant_us is None:
        return ""
    moment = _EPOCH + timedelta(microseconds=time.instant_us)
    if time.offset:
        hours, _, minutes = time.offset[1:].partition(":")
        ahead = timedelta(hours=int(hours), minutes=int(minutes or 0))
        try:
            moment = moment - ahead if time.offset[0] == "-" else moment + ahead
        except OverflowError:
            return ""
    return moment.strftime("%Y-%m") if moment.year >= 1000 else f"{moment.year:04}-{moment.month:02}"
