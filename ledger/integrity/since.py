"""What a former run of level 3 judged, opened in this run's snapshot: what is new since, and what was there before.

A check that needs something from before (a policy, an authority of time, the checkpoint before) reads that one entry,
and only if it is in the very tree that the former run found: whoever alters it is noticed, wherever it is used.
"""

from collections.abc import Iterator

from sqlalchemy import Connection

from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import LedgerError
from ledger.core.hashing import b64, body_commitment, leaf_hash, unb64
from ledger.core.kinds import KindRegistry
from ledger.core.merkle import inclusion_proof, verify_inclusion
from ledger.core.tiles import TileReader
from ledger.integrity.entries import Unreadable, read_entries
from ledger.integrity.kinds import Judged, SeenLog
from ledger.store.reading import LogReader


class Since:
    """From where on an incremental level 3 judges. One use each, for one snapshot."""

    def __init__(self, connection: Connection, kinds: KindRegistry, judged: Judged) -> None:
        self._connection = connection
        self._kinds = kinds
        self._logs = {one.log: one for one in judged.logs}
        self._tiles: dict[int, TileReader] = {}
        self.checkpoint = judged.checkpoint

    def first(self, log: int) -> int:
        """The first entry of a log that was not judged; 0 for a log that was not there."""
        seen = self._logs.get(log)
        return 0 if seen is None else seen.size

    def entry(self, log: int, index: int) -> Entry:
        """One entry; one that was there before, only if it is what was there. Raises Unreadable."""
        seen = self._logs.get(log)
        if seen is not None and index < seen.size:
            self._require_same(seen, index)
        return next(self._read(log, index))

    def _require_same(self, seen: SeenLog, index: int) -> None:
        reader = LogReader(self._connection, seen.log)
        tiles = self._tiles.setdefault(seen.log, reader.hashes(seen.size))
        try:
            found = reader.entry(index)
            proof = inclusion_proof(index, seen.size, tiles)
            verify_inclusion(index, seen.size, leaf_hash(found.leaf), proof, unb64(seen.root, 32))
            committed = decode_leaf(found.leaf).body
        except LedgerError as error:
            raise Unreadable(index, f"it is not what an earlier run judged: {error.message}") from None
        if found.body is None or b64(body_commitment(found.salt or b"", found.body)) != committed:
            raise Unreadable(index, "its body is not what an earlier run judged")

    def _read(self, log: int, index: int) -> Iterator[Entry]:
        return read_entries(self._connection, log, index, index + 1, self._kinds)
