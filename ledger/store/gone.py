"""Which entries' content may be gone: those that an entry of kind `disposal` names, read off that entry itself.

The projection `disposed_entry` only says where to look; a row of it that no such entry bears out counts for nothing.
All reads are the driver's own, so that they may stand between others of a pipeline.
"""

from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.entry import decode_leaf
from ledger.core.errors import InvalidEntry
from ledger.core.hashing import b64, body_commitment
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.reading import LogReader, StoredEntry

KIND: Final = "disposal"
_MARK: Final = b'"kind":"disposal"'
_KEPT: Final = 64
"""Disposals whose lists are kept in memory at most."""


class _Item(msgspec.Struct, frozen=True, gc=False):
    index: int
    leaf_hash: str


class _Group(msgspec.Struct, frozen=True, gc=False):
    items: tuple[_Item, ...]


class _Disposal(msgspec.Struct, frozen=True, gc=False):
    event: str
    number: int
    groups: tuple[_Group, ...] = ()


_decoder = msgspec.json.Decoder(_Disposal)


class Gone:
    """Remembers what it read; one for each walk over a log."""

    def __init__(self) -> None:
        self._lists: dict[int, dict[int, str]] = {}
        self._all: dict[int, str] | None = None

    def names(self, connection: Connection, pos: int, leaf_hash: bytes) -> bool:
        """Whether some disposal names this entry; also where the projection is damaged, by a walk over all of them."""
        wanted = b64(leaf_hash)
        named = Bulk(connection).all("SELECT pos FROM disposed_entry WHERE row_pos = ?", (pos,))
        if any(self._listed(connection, at).get(pos) == wanted for (at,) in named):
            return True
        if self._all is None:
            self._all = _all(connection)
        return self._all.get(pos) == wanted

    def within(self, connection: Connection, low: int, high: int) -> dict[int, str]:
        """The entries at these positions that disposals name, with the leaf hash (base64) that each is named by."""
        found = {}
        for pos, at in Bulk(connection).all(
            "SELECT row_pos, pos FROM disposed_entry WHERE row_pos >= ? AND row_pos < ?", (low, high)
        ):
            named = self._listed(connection, at).get(pos)
            if named is not None:
                found[pos] = named
        return found

    def _listed(self, connection: Connection, at: int) -> dict[int, str]:
        if log_of(at) != SYSTEM_LOG:
            return {}
        if at not in self._lists:
            if len(self._lists) >= _KEPT:
                self._lists.clear()
            index = index_of(at)
            entries = list(LogReader(connection, SYSTEM_LOG).entries(index, index + 1))
            self._lists[at] = _read(entries[0]) if entries else {}
        return self._lists[at]


def _read(stored: StoredEntry) -> dict[int, str]:
    """What an entry disposes of; nothing where it is none that does, or not what its leaf commits to."""
    if stored.body is None or stored.salt is None or _MARK not in stored.leaf:
        return {}
    try:
        leaf = decode_leaf(stored.leaf)
        body = _decoder.decode(stored.body)
    except (InvalidEntry, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    same = leaf.kind == KIND and leaf.body == b64(body_commitment(stored.salt, stored.body))
    if not same or body.event != "disposed" or body.number == SYSTEM_LOG:
        return {}
    return {pos_of(body.number, item.index): item.leaf_hash for group in body.groups for item in group.items}


def _all(connection: Connection) -> dict[int, str]:
    ((size,),) = Bulk(connection).all("SELECT size FROM head WHERE log = ?", (SYSTEM_LOG,))
    found: dict[int, str] = {}
    for stored in LogReader(connection, SYSTEM_LOG).entries(0, size):
        found.update(_read(stored))
    return found
