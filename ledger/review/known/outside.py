"""What is known of a log's records from outside of it: by witnesses, authorities of time, signers and operators.

All of it stands in the system log. As of a size it is known up to where the log itself vouches for the system log.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import Final

from sqlalchemy import Connection, func, select

from ledger.core.clock import MICROSECONDS, parse_utc
from ledger.core.cosignature import cosigned_at
from ledger.core.entry import decode_leaf
from ledger.core.hashing import unb64
from ledger.core.note import NoteSignature
from ledger.integrity.tables import verification
from ledger.retention.copy_kinds import CopySort
from ledger.retention.tables import retention_copy
from ledger.review.known.facts import Anchoring, Copies
from ledger.signing.tables import SIGNATURE, set_run, signed_entry
from ledger.signing.targets import signatures_over
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import pos_of
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.trust.tables import log_binding
from ledger.trust.timestamp_tables import time_stamp

_OPEN_US: Final = 48 * 3_600 * MICROSECONDS
_APART: Final = (CopySort.BACKUP, CopySort.REPLICA, CopySort.WAL_ARCHIVE)
"""Copies that last when the database is lost."""


def system_size(connection: Connection, log: int, size: int) -> int:
    """The size of the system log that the log itself vouches for as of a size: that of its newest binding; 0: none."""
    row = log_binding.c
    newest = (
        select(row.size).where(row.pos.between(pos_of(log, 0), pos_of(log, size) - 1)).order_by(row.pos.desc()).limit(1)
    )
    return connection.scalar(newest) or 0


class Outside:
    """Of one log as of a size; `at_us`, when its last entry was logged, is the only *now*."""

    def __init__(self, connection: Connection, log: int, size: int) -> None:
        self._connection = connection
        self._log = log
        self._size = size
        self._origin = next(one.origin for one in read_logs(connection) if one.number == log)
        self._below = pos_of(SYSTEM_LOG, system_size(connection, log, size))
        self._first = (_First(self._stamped), _First(self._cosigned))

    @cached_property
    def at_us(self) -> int:
        return _logged_us(self._connection, self._log, self._size - 1)

    def anchoring(self, index: int, logged_us: int) -> Anchoring | None:
        """When somebody outside first vouched for a checkpoint over an entry; None where nobody did for any."""
        moments = [one for first in self._first if (one := first.over(index)) is not None]
        if not moments and not self._ever:
            return None
        after = min(moments) - logged_us if moments else None
        return Anchoring(after_us=after, waited_us=self.at_us - logged_us)

    @cached_property
    def _ever(self) -> bool:
        return any(first.over(0) is not None for first in self._first)

    @property
    def settled_to(self) -> int:
        """Below which entry nothing of all this is still open: somebody vouched for it, and it was verified.

        What is older than two days does not count as open: where nobody vouches any more that would be ever more.
        """
        row, line = time_stamp.c, schema.cosignature.c
        sizes = [
            self._connection.scalar(select(func.max(one.size)).where(one.origin == self._origin, one.pos < self._below))
            for one in (row, line)
        ]
        anchored = max((size for size in sizes if size is not None), default=self._size)
        settled = min(anchored, self._size if self._verified is None else self._verified[0], self._size)
        since = self.at_us - _OPEN_US
        return max(settled, bisect_left(range(self._size), since, key=partial(_logged_us, self._connection, self._log)))

    def _stamped(self, index: int) -> tuple[int, int] | None:
        row = time_stamp.c
        chosen = select(row.size, row.gen_us).where(
            row.origin == self._origin, row.size > index, row.size <= self._size, row.pos < self._below
        )
        found = self._connection.execute(chosen.order_by(row.size, row.gen_us).limit(1)).one_or_none()
        return None if found is None else (found.size, found.gen_us)

    def _cosigned(self, index: int) -> tuple[int, int] | None:
        row = schema.cosignature.c
        chosen = select(row.size, row.line).where(
            row.origin == self._origin, row.size > index, row.size <= self._size, row.pos < self._below
        )
        found = self._connection.execute(chosen.order_by(row.size, row.pos, row.ordinal).limit(1)).one_or_none()
        if found is None:
            return None
        line = unb64(found.line.rstrip("\n").rpartition(" ")[2])
        signature = NoteSignature(name="", key_id=line[:4], signature=line[4:])
        return found.size, cosigned_at(signature) * MICROSECONDS

    @cached_property
    def copies(self) -> Copies:
        """The copies that are stated to be there, by how long ago each was stated."""
        row = retention_copy.c
        size = self._below - pos_of(SYSTEM_LOG, 0)
        stated = select(row.from_index).where(
            row.log == SYSTEM_LOG, as_of(retention_copy, size), row.sort.in_([one.value for one in _APART])
        )
        ages = [
            self.at_us - _logged_us(self._connection, SYSTEM_LOG, index) for index in self._connection.scalars(stated)
        ]
        return Copies(ages_us=tuple(sorted(ages)))

    def verified(self, index: int) -> bool | None:
        """Whether the newest verification that reached an entry holds; None: none did yet."""
        if self._verified is None or self._verified[0] <= index:
            return None
        return self._verified[1]

    @cached_property
    def _verified(self) -> tuple[int, bool] | None:
        row = verification.c
        mine = row.pos.between(pos_of(self._log, 0), pos_of(self._log, self._size) - 1)
        found = self._connection.execute(
            select(row.size, row.holds).where(mine).order_by(row.pos.desc()).limit(1)
        ).one_or_none()
        return None if found is None else (found.size, bool(found.holds))

    def signatures_over(self, index: int) -> list[int]:
        """The entries of the signatures over an entry of the log."""
        over = signatures_over(self._connection, self._origin, index)
        return [one for one in over if pos_of(SYSTEM_LOG, one) < self._below]

    def signed(self, indices: Iterable[int]) -> set[int]:
        """Those of these entries that a signature covers, by itself or in a set."""
        wanted = sorted(indices)
        if not wanted:
            return set()
        row, run = signed_entry.c, set_run.c
        low, high = wanted[0], wanted[-1]
        found = set(
            self._connection.scalars(
                select(row.target).where(
                    row.origin == self._origin, row.target.between(low, high), row.pos < self._below
                )
            )
        )
        mine = (run.origin == self._origin, run.sort == SIGNATURE, run.pos < self._below)
        sets = select(run.low, run.high).where(*mine, run.low <= high, run.high >= low)
        for first, last in self._connection.execute(sets):
            found.update(index for index in wanted if first <= index <= last)
        return found


class _First:
    """The first checkpoint over each entry, asked once for all entries that it is the first over."""

    def __init__(self, ask: Callable[[int], tuple[int, int] | None]) -> None:
        self._ask = ask
        self._lows: list[int] = []
        self._found: list[tuple[int, int]] = []
        self._none_from: int | None = None

    def over(self, index: int) -> int | None:
        """The moment (microseconds) that it was vouched for; None where there is none."""
        if self._none_from is not None and index >= self._none_from:
            return None
        at = bisect_right(self._lows, index) - 1
        if at >= 0 and index < self._found[at][0]:
            return self._found[at][1]
        found = self._ask(index)
        if found is None:
            self._none_from = index
            return None
        self._lows.insert(at + 1, index)
        self._found.insert(at + 1, found)
        return found[1]


def _logged_us(connection: Connection, log: int, index: int) -> int:
    return parse_utc(decode_leaf(LogReader(connection, log).entry(index).leaf).logged_at)
