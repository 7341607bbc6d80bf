"""Which entries' content may be gone: those that an entry of kind `disposal` names, read off that entry itself.

The projection `disposed_entry` only says where to look; a row of it that no such entry bears out counts for nothing.
All reads are the driver's own, so that they may stand between others of a pipeline.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from ledger.core.entry import SourceKey, decode_leaf
from ledger.core.errors import IntegrityError, InvalidEntry
from ledger.core.hashing import b64, body_commitment, unb64
from ledger.store.bulk import Bulk
from ledger.store.position import SYSTEM_LOG, index_of, log_of, pos_of

KIND: Final = "disposal"
_MARK: Final = b'"kind":"disposal"'
_KEPT: Final = 64
"""Disposals whose lists are kept in memory at most."""
_AT_ONCE: Final = 250
"""Digests that one look-up names, and entries that one read fetches."""
_ENTRIES: Final = (
    "SELECT leaf.data, body.salt, body.body FROM leaf LEFT JOIN body ON body.pos = leaf.pos"
    " WHERE leaf.pos >= ? AND leaf.pos < ?"
)


class _Item(msgspec.Struct, frozen=True, gc=False):
    index: int
    leaf_hash: str
    digest: str | None = None


class _Group(msgspec.Struct, frozen=True, gc=False):
    items: tuple[_Item, ...]


class _Disposal(msgspec.Struct, frozen=True, gc=False):
    event: str
    number: int
    groups: tuple[_Group, ...] = ()


_decoder = msgspec.json.Decoder(_Disposal)
_Named = dict[int, _Item]


class Gone:
    """Remembers what it read; one for each walk over a log."""

    def __init__(self) -> None:
        self._lists: dict[int, _Named] = {}
        self._all: _Named | None = None

    def names(self, connection: Connection, pos: int, leaf_hash: bytes) -> bool:
        """Whether some disposal names this entry; also where the projection is damaged, by a walk over all of them."""
        wanted = b64(leaf_hash)
        named = Bulk(connection).all("SELECT pos FROM disposed_entry WHERE row_pos = ?", (pos,))
        found = (self.item(connection, at, pos) for (at,) in named)
        if any(one is not None and one.leaf_hash == wanted for one in found):
            return True
        if self._all is None:
            self._all = _all(connection)
        item = self._all.get(pos)
        return item is not None and item.leaf_hash == wanted

    def within(self, connection: Connection, low: int, high: int) -> dict[int, str]:
        """The entries at these positions that disposals name, with the leaf hash (base64) that each is named by."""
        found = {}
        for pos, at in Bulk(connection).all(
            "SELECT row_pos, pos FROM disposed_entry WHERE row_pos >= ? AND row_pos < ?", (low, high)
        ):
            item = self.item(connection, at, pos)
            if item is not None:
                found[pos] = item.leaf_hash
        return found

    def item(self, connection: Connection, at: int, pos: int) -> _Item | None:
        """How the entry at `at` names the one at `pos`; None where it disposes of no such."""
        if log_of(at) != SYSTEM_LOG:
            return None
        if at not in self._lists:
            if len(self._lists) >= _KEPT:
                self._lists.clear()
            rows = Bulk(connection).all(_ENTRIES, (at, at + 1))
            self._lists[at] = _read(*rows[0]) if rows else {}
        return self._lists[at].get(pos)


def known_again(connection: Connection, log: int, keys: Sequence[SourceKey]) -> Iterator[tuple[SourceKey, int, bytes]]:
    """Those of these records that were disposed of, with place and leaf hash: a source may give them once more.

    Raises IntegrityError for a row that no disposal bears out: it would swallow a record.
    """
    by_digest = {key.digest: key for key in keys}
    digests, gone = list(by_digest), Gone()
    for low in range(0, len(digests), _AT_ONCE):
        some = digests[low : low + _AT_ONCE]
        rows = Bulk(connection).all(
            "SELECT pos, row_pos, digest FROM disposed_entry WHERE row_pos >= ? AND row_pos < ?"
            f" AND digest IN ({', '.join('?' * len(some))})",
            (pos_of(log, 0), pos_of(log + 1, 0), *some),
        )
        for at, pos, digest in rows:
            item = gone.item(connection, at, pos)
            if item is None or item.digest != b64(bytes(digest)):
                raise IntegrityError(
                    f"entry {index_of(pos)} is said to be disposed of by entry {index_of(at)} of the system log, which "
                    "does not say so: the ledger's tables were altered",
                    advice="Ingest of this source is stopped. Run `trailseal verify --full` and open an incident.",
                )
            yield by_digest[bytes(digest)], pos, unb64(item.leaf_hash, 32)


def _read(data: Any, salt: Any, body: Any) -> _Named:
    """What an entry disposes of; nothing where it is none that does, or not what its leaf commits to."""
    if not isinstance(data, bytes) or not isinstance(salt, bytes) or not isinstance(body, bytes) or _MARK not in data:
        return {}
    try:
        leaf = decode_leaf(data)
        said = _decoder.decode(body)
    except (InvalidEntry, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    same = leaf.kind == KIND and leaf.body == b64(body_commitment(salt, body))
    if not same or said.event != "disposed" or said.number == SYSTEM_LOG:
        return {}
    return {pos_of(said.number, item.index): item for group in said.groups for item in group.items}


def _all(connection: Connection) -> _Named:
    bulk = Bulk(connection)
    ((size,),) = bulk.all("SELECT size FROM head WHERE log = ?", (SYSTEM_LOG,))
    found: _Named = {}
    for low in range(0, size, _AT_ONCE):
        for row in bulk.all(_ENTRIES, (pos_of(SYSTEM_LOG, low), pos_of(SYSTEM_LOG, min(size, low + _AT_ONCE)))):
            found.update(_read(*row))
    return found
