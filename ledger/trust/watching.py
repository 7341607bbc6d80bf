"""What a leader looks at about witnesses: whether a quorum has stayed away too long, and whether clocks agree."""

from collections.abc import Iterator

from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import LedgerError
from ledger.core.note import Verifier
from ledger.core.witness_policy import Quorum
from ledger.findings.kinds import Finding, FindingSort
from ledger.findings.tables import finding
from ledger.store import checkpoints, schema
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust import witness_tables as t
from ledger.trust.exposure import exposure
from ledger.trust.witness_reading import newest, read_policies, times

TOLERANCE_S = 60
"""Seconds by which a witness's clock and ours may differ without being a finding."""


class WitnessWatch:
    """For use by the leader, one thread at a time. Each finding is entered once, until what it tells of has ended."""

    def __init__(self, store: Store, limit_s: float) -> None:
        """`limit_s`: for how long entries may be there that no quorum has cosigned."""
        self._store = store
        self._limit_us = int(limit_s * MICROSECONDS)

    def judge(self) -> None:
        """Enters what is found now."""
        with self._store.reading() as connection:
            found = [one for log in read_logs(connection) for one in self._of(connection, log)]
        for one in found:
            self._store.append_one(SYSTEM_LOG, draft(one))

    def _of(self, connection: Connection, log: LogId) -> Iterator[Finding]:
        policies = read_policies(connection, self._store.kinds)
        seen = exposure(connection, log, policies.in_force)
        met = newest(connection, log.origin, Quorum.MET)
        window = seen.window_us(self._store.clock.now_us())
        since = -1 if met is None else met[1]
        if seen.asked and window > self._limit_us and not _told(connection, FindingSort.WITNESS_OVERDUE, log, since):
            detail = (
                f"{log.origin}: {seen.entries} entries, the oldest {window // MICROSECONDS} s old, have no quorum of "
                f"witnesses; it may be {self._limit_us // MICROSECONDS} s"
            )
            yield Finding(sort=FindingSort.WITNESS_OVERDUE, source=None, entries=(), detail=detail)
        for key in policies.asked():
            yield from _clock(connection, log, key.name, policies.asked())


def _clock(connection: Connection, log: LogId, name: str, keys: tuple[Verifier, ...]) -> Iterator[Finding]:
    """A finding where the newest cosignature of a witness is off, and the one before was not."""
    line, said = schema.cosignature.c, t.witnessed.c
    query = (
        select(line.pos, line.size)
        .join_from(schema.cosignature, t.witnessed, line.pos == said.pos)
        .where(line.origin == log.origin, line.line.startswith(f"— {name} ", autoescape=True))
        .order_by(line.pos.desc())
        .limit(2)
    )
    off = [(pos, _off(connection, log, pos, size, name, keys)) for pos, size in connection.execute(query)]
    if not off or abs(off[0][1]) <= TOLERANCE_S or (len(off) > 1 and abs(off[1][1]) > TOLERANCE_S):
        return
    if not _told(connection, FindingSort.TIME_DIFFERS, log, index_of(off[0][0])):
        detail = f"{log.origin}: the clock of witness {name} is {off[0][1]:+d} s off this ledger's"
        yield Finding(sort=FindingSort.TIME_DIFFERS, source=None, entries=(index_of(off[0][0]),), detail=detail)


def _off(connection: Connection, log: LogId, pos: int, size: int, name: str, keys: tuple[Verifier, ...]) -> int:
    """Seconds by which a witness's time is after the moment at which its word was entered."""
    logged = parse_utc(decode_leaf(LogReader(connection, SYSTEM_LOG).entry(index_of(pos)).leaf).logged_at)
    try:
        stored = checkpoints.latest(connection, log.number, size)
    except LedgerError:
        return 0
    told = [at for who, at in times(stored, keys) if who == name]
    return max(told) - logged // MICROSECONDS if told else 0


def _told(connection: Connection, sort: FindingSort, log: LogId, after: int) -> bool:
    """Whether a finding of this sort about a log stands after an entry."""
    row = finding.c
    query = (
        select(row.pos)
        .where(
            row.sort == sort.value,
            row.pos > pos_of(SYSTEM_LOG, max(after, 0)),
            row.pos < pos_of(SYSTEM_LOG + 1, 0),
            row.detail.startswith(f"{log.origin}: ", autoescape=True),
        )
        .limit(1)
    )
    return connection.scalar(query) is not None
