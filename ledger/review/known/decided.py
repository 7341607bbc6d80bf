"""What the ledger itself has on batches: reviews and when they were signed, findings and when they were first judged,
and for how long they were deferred.

Signatures stand in the system log, each after what it is over. Of a moment before a log's size all of them are there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

from sqlalchemy import Connection, func, select

from ledger.core.clock import parse_utc
from ledger.core.disposition import DEFERRAL, DISPOSITION, Deferral, Disposition, defers
from ledger.core.entry import decode_leaf
from ledger.core.review import ReviewEvent
from ledger.core.signature import SignatureEntry
from ledger.core.workflow import RequestState
from ledger.findings.kinds import FINDING, RuleFinding, Severity
from ledger.findings.tables import rule_finding
from ledger.review.reviews import tables as t
from ledger.signing.kinds import SIGNATURE
from ledger.signing.route_tables import signing_request, signing_target
from ledger.signing.targets import signatures_over
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import pos_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of

_MATTER: Final = (Severity.CRITICAL.value, Severity.HIGH.value)


class Standing(NamedTuple):
    """A critical or high finding that stands by `entry`: its rule, the record that was examined, and when somebody
    first judged it (microseconds UTC by the ledger's clock; None: nobody did).
    """

    key: str
    entry: int
    rule: str
    anchor: int
    critical: bool
    judged_us: int | None


class Concluded(NamedTuple):
    """A review was concluded; `signed_us`: when the last signature over that was given (None: not all were)."""

    at_us: int
    signed_us: int | None


class Reviewed(NamedTuple):
    """A review of a batch; each of its conclusions takes the place of the one before."""

    opened_us: int
    concluded: tuple[Concluded, ...]


class Deferring(NamedTuple):
    """A finding was deferred for a batch until a moment; `signed_us`: since when that is in force (None: it is not)."""

    batch: str
    asked_us: int
    signed_us: int | None
    expires_us: int


class Decided:
    """Of a log as of a size."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._reader = LogReader(connection, log)
        self._system = LogReader(connection, SYSTEM_LOG)

    def reviews(self, batches: Collection[str]) -> Mapping[str, list[Reviewed]]:
        """The reviews of each of these batches, in the order in which they were opened."""
        row = t.review.c
        mine = row.log == self._log, row.from_index < self._size
        opened = select(row.key, row.batch, row.from_index).where(*mine, row.batch.in_(sorted(batches)))
        concluded = select(row.from_index).where(*mine, row.event == ReviewEvent.CONCLUDED.value)
        concluded = concluded.order_by(row.from_index)
        found = defaultdict[str, list[Reviewed]](list)
        for key, batch, entry in self._connection.execute(opened.order_by(row.from_index)).all():
            ended = self._connection.scalars(concluded.where(row.key == key)).all()
            all_of = tuple(Concluded(self._logged_us(one), self.completed_us(one)) for one in ended)
            found[batch].append(Reviewed(self._logged_us(entry), all_of))
        return found

    def findings(self, besides: str, since: int = 0) -> list[Standing]:
        """The findings that stand, but those of a rule; `since`: an entry from which on they were opened."""
        row, judged = rule_finding.c, t.disposition.c
        first = select(judged.key, func.min(judged.from_index).label("entry")).where(
            judged.log == self._log, judged.from_index < self._size
        )
        at = {one.key: one.entry for one in self._connection.execute(first.group_by(judged.key))}
        chosen = select(row.key, row.from_index, row.rule, row.anchor, row.severity).where(
            row.log == self._log, row.stands == 1, as_of(rule_finding, self._size), row.from_index >= since,
            row.severity.in_(_MATTER), row.rule != besides,
        )  # fmt: skip
        return [
            Standing(
                key,
                entry,
                rule,
                anchor,
                severity == Severity.CRITICAL.value,
                self._logged_us(at[key]) if key in at else None,
            )
            for key, entry, rule, anchor, severity in self._connection.execute(chosen)
        ]

    def deferrals(self, key: str) -> list[Deferring]:
        """How a finding was deferred, in order; each takes the place of the one before."""
        row = t.deferral.c
        chosen = select(row.from_index).where(row.log == self._log, row.key == key, row.from_index < self._size)
        found = []
        for stored in self._reader.chosen(self._connection.scalars(chosen.order_by(row.from_index)).all()):
            body = body_of(stored, DEFERRAL, Deferral)
            asked_us = parse_utc(decode_leaf(stored.leaf).logged_at)
            signed_us = next(self._deferring_us(stored.index, body), None)
            found.append(Deferring(body.batch, asked_us, signed_us, parse_utc(body.expires_at)))
        return found

    def rests_on(self, one: Standing) -> tuple[int, ...]:
        """The records that a finding rests on."""
        return body_of(self._reader.entry(one.entry), FINDING, RuleFinding).entries

    def deviations(self, key: str) -> set[str]:
        """The numbers of the deviations that were raised for a finding from here, or named where it was judged."""
        row, given = t.deviation.c, t.disposition.c
        raised = select(row.number).where(row.log == self._log, row.key == key, row.from_index < self._size)
        judged = select(given.from_index).where(given.log == self._log, given.key == key, given.from_index < self._size)
        named = {
            body_of(stored, DISPOSITION, Disposition).deviation
            for stored in self._reader.chosen(sorted(self._connection.scalars(judged)))
        }
        return {*self._connection.scalars(raised), *(number for number in named if number is not None)}

    @cached_property
    def at_us(self) -> int:
        """When the last entry was logged (microseconds UTC): the only *now* of a size."""
        return self._logged_us(self._size - 1)

    @cached_property
    def _origin(self) -> str:
        return next(one.origin for one in read_logs(self._connection) if one.number == self._log)

    def completed_us(self, entry: int) -> int | None:
        """When the first request for signatures over an entry of this log was completed."""
        target, request = signing_target.c, signing_request.c
        opened = pos_of(SYSTEM_LOG, 0) + request.opened
        completed = (
            select(func.min(request.from_index))
            .join_from(signing_target, signing_request, target.pos == opened)
            .where(
                target.origin == self._origin,
                target.entry == entry,
                request.log == SYSTEM_LOG,
                request.state == RequestState.COMPLETED.value,
            )
        )
        found = self._connection.scalar(completed)
        return None if found is None else _logged_us(self._system, found)

    def _deferring_us(self, entry: int, body: Deferral) -> Iterator[int]:
        for index in signatures_over(self._connection, self._origin, entry):
            stored = self._system.entry(index)
            if defers(body, body_of(stored, SIGNATURE, SignatureEntry).statement):
                yield parse_utc(decode_leaf(stored.leaf).logged_at)

    def _logged_us(self, entry: int) -> int:
        return _logged_us(self._reader, entry)


def _logged_us(reader: LogReader, entry: int) -> int:
    return parse_utc(decode_leaf(reader.entry(entry).leaf).logged_at)
