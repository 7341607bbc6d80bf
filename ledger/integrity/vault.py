"""Level 2 of the vault: originals, sealed values and secrets are those that entries commit to, and none is there
beside."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import ORIGINAL, SEALED, Entry
from ledger.core.hashing import b64, original_commitment, sealed_commitment
from ledger.core.record import OriginalRef
from ledger.core.sealing import sealed_in
from ledger.integrity.fault import Fault, first
from ledger.integrity.streams import Stream, stream
from ledger.people.secrets import Destroyed, SecretRef, row_holds
from ledger.privacy.tables import erased_row
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, log_of, pos_of

_AT_ONCE = 4 * 1024 * 1024
"""Bytes of originals in memory at once, about."""

NOT_COMMITTED = "value and salt are not those that the entry commits to"
MISSING, UNNAMED = "the row that the entry names is missing", "there is a row that the entry does not name"


class VaultCheck:
    """The rows beside the entries of a span of one log, in order."""

    def __init__(self, connection: Connection, log: int, span: tuple[int, int]) -> None:
        self._log = log
        self._originals = stream(connection, "SELECT pos, salt, data FROM original", span)
        low, high = span
        row = erased_row.c
        erased = select(row.row_pos, row.sort, row.ordinal).where(row.row_pos >= low, row.row_pos < high)
        # That each of these is named by an erasure's entry, the replay of the system log compares.
        self._erased = {(pos, sort, ordinal) for pos, sort, ordinal in connection.execute(erased)}
        self._sealed = stream(connection, "SELECT pos, ordinal, member, salt, value FROM sealed_value", span)

    def compare(self, entries: Sequence[Entry]) -> Fault | None:
        """The first of these entries whose originals or sealed values are not what it commits to."""
        return first((self._compare_originals(entries), self._compare_sealed(entries)))

    def left_over(self) -> Fault | None:
        """A row of the span that no entry names."""
        found = []
        for table, rows in (("original", self._originals), ("sealed_value", self._sealed)):
            found += [self._fault(row[0], table, "", UNNAMED) for row in rows.take(1)]
        return first(found)

    def close(self) -> None:
        self._originals.close()
        self._sealed.close()

    def _fault(self, pos: int, table: str, column: str, what: str) -> Fault:
        return Fault(log=self._log, index=index_of(pos), table=table, column=column, what=what)

    def _compare_originals(self, entries: Sequence[Entry]) -> Fault | None:
        named = [
            (pos_of(entry.log, entry.index), ref)
            for entry in entries
            for ref in originals_of(entry.body)
            if (pos_of(entry.log, entry.index), ORIGINAL, 0) not in self._erased
        ]
        while named:
            size, count = 0, 0
            while count < len(named) and (not count or size < _AT_ONCE):
                size += named[count][1].size
                count += 1
            stored = self._originals.take(count)
            for at, (pos, ref) in enumerate(named[:count]):
                if at >= len(stored) or stored[at][0] > pos:
                    return self._fault(pos, "original", "", MISSING)
                if stored[at][0] < pos:
                    return self._fault(stored[at][0], "original", "", UNNAMED)
                _, salt, data = stored[at]
                if not _commits(original_commitment, salt, data, ref.commitment) or len(data) != ref.size:
                    return self._fault(pos, "original", "data", NOT_COMMITTED)
            named = named[count:]
        return None

    def _compare_sealed(self, entries: Sequence[Entry]) -> Fault | None:
        named = [
            (pos_of(entry.log, entry.index), ordinal, member, sealed)
            for entry in entries
            for ordinal, (member, sealed) in enumerate(sealed_in(entry.body))
            if (pos_of(entry.log, entry.index), SEALED, ordinal) not in self._erased
        ]
        stored = self._sealed.take(len(named))
        for at, (pos, ordinal, member, sealed) in enumerate(named):
            if at >= len(stored) or stored[at][:2] > (pos, ordinal):
                return self._fault(pos, "sealed_value", "", MISSING)
            if stored[at][:2] < (pos, ordinal):
                return self._fault(stored[at][0], "sealed_value", "", UNNAMED)
            _, _, found, salt, value = stored[at]
            if found != member:
                return self._fault(pos, "sealed_value", "member", f"stands for {member} in the entry")
            if not _commits(sealed_commitment, salt, value, sealed):
                return self._fault(pos, "sealed_value", "value", NOT_COMMITTED)
        return None


def originals_of(body: msgspec.Struct) -> Iterator[OriginalRef]:
    """The originals that a body names (its record's, a run's snapshot, a quarantined input)."""
    for name in body.__struct_fields__:
        value = getattr(body, name)
        if isinstance(value, OriginalRef):
            yield value


class Secrets:
    """The secrets of the system log: each is there until the entry that destroys it, and then no longer.

    Fed with every entry of the log in order; holds in memory only those that are gone.
    """

    def __init__(self, connection: Connection) -> None:
        self._bulk = Bulk(connection)
        self._gone: set[tuple[int, str]] = set()
        self._faults: list[Fault] = []
        self._stored: Stream = stream(connection, "SELECT pos, name, value FROM secret", (-(2**63), 2**63 - 1))
        self._next: list[tuple[Any, ...]] = self._stored.take(1)

    def enter(self, entry: Entry) -> None:
        """Compares what the entry issues and destroys with the rows."""
        pos = pos_of(entry.log, entry.index)
        destroys: tuple[Destroyed, ...] = getattr(entry.body, "destroys", ())
        refs: dict[str, SecretRef] = {ref.name: ref for ref in getattr(entry.body, "secrets", ())}
        while self._next and self._next[0][0] <= pos:
            ((at, name, value),) = self._next
            ref = refs.pop(name, None) if at == pos else None
            if ref is None:
                self._fault(at, "", UNNAMED)
            elif not isinstance(value, bytes) or not row_holds(ref, value):
                self._fault(at, "value", "not the value that the entry commits to")
            self._next = self._stored.take(1)
        self._gone.update((entry.index, name) for name in refs)
        for one in destroys:
            if (one.index, one.name) in self._gone:
                self._gone.discard((one.index, one.name))
            else:
                self._fault(pos_of(entry.log, one.index), "", f"still there, though entry {entry.index} destroyed it")

    def finish(self) -> Fault | None:
        """The first fault, now that every entry of the log was entered."""
        for index, _ in self._gone:
            self._fault(pos_of(SYSTEM_LOG, index), "", MISSING)
        for row in self._next:
            self._fault(row[0], "", UNNAMED)
        self._stored.close()
        return first(self._faults)

    def _fault(self, pos: int, column: str, what: str) -> None:
        self._faults.append(Fault(log=log_of(pos), index=index_of(pos), table="secret", column=column, what=what))


def _commits(commitment: Any, salt: Any, data: Any, wanted: str) -> bool:
    if not isinstance(salt, bytes) or not isinstance(data, bytes) or len(salt) != 32:
        return False
    return b64(commitment(salt, data)) == wanted
