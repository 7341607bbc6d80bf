"""What a short fingerprint is of: an entry by its leaf hash, or an electronic signature by its statement's digest.

Leaf hashes are looked for in the tiles, which hold nothing else; whatever is found is computed again from the entry.
"""

from collections.abc import Iterable
from hashlib import sha256

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.errors import IntegrityError
from ledger.core.hashing import HASH_SIZE, b64, leaf_hash
from ledger.core.members import Members
from ledger.core.paper import Printed, PrintSort
from ledger.core.signature import SignatureEntry, members, statement_bytes
from ledger.people.credentials import read_entry
from ledger.signing.content import replaced_by
from ledger.signing.tables import signature
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of
from ledger.store.reading import LogReader
from ledger.store.store import Store

_TILE = 256
_AT_ONCE = 1024
"""Tiles read at once: 8 MiB."""


def find_print(store: Store, connection: Connection, logs: Iterable[LogId], digest: bytes) -> Printed | None:
    """What of these logs a fingerprint (16 bytes) is of, and what took its place; None where it is of nothing."""
    known = list(logs)
    for log in known:
        found = _entry(LogReader(connection, log.number), digest)
        if found is not None:
            index, whole = found
            by = replaced_by(store, connection, log, Members.of((index,)))
            return Printed(
                sort=PrintSort.ENTRY,
                address=str(Address(log.origin, index)),
                digest=b64(whole),
                replaced_by=None if by is None else str(Address(log.origin, by)),
            )
    return _signature(store, connection, {log.origin for log in known}, digest)


def _entry(reader: LogReader, digest: bytes) -> tuple[int, bytes] | None:
    """The entry whose leaf hash begins so, and that hash."""
    size = reader.head().size
    full = size // _TILE
    for at in range(0, full, _AT_ONCE):
        rows = Bulk(reader.connection).all(
            "SELECT n, hashes FROM tile WHERE log = ? AND level = 0 AND n >= ? AND n < ? ORDER BY n",
            (reader.log, at, min(full, at + _AT_ONCE)),
        )
        for n, hashes in rows:
            place = bytes(hashes).find(digest)
            while place >= 0:
                if place % HASH_SIZE == 0:
                    return _compared(reader, n * _TILE + place // HASH_SIZE, digest)
                place = bytes(hashes).find(digest, place + 1)
    for index, leaf in zip(range(full * _TILE, size), reader.leaves(range(full * _TILE, size)), strict=True):
        if leaf_hash(leaf).startswith(digest):
            return index, leaf_hash(leaf)
    return None


def _compared(reader: LogReader, index: int, digest: bytes) -> tuple[int, bytes]:
    whole = leaf_hash(reader.entry(index).leaf)
    if not whole.startswith(digest):
        raise IntegrityError(f"the tiles contradict entry {index} of log {reader.log}")
    return index, whole


def _signature(store: Store, connection: Connection, origins: set[str], digest: bytes) -> Printed | None:
    places = connection.scalars(select(signature.c.pos).order_by(signature.c.pos.desc())).all()
    for place in places:
        index = index_of(place)
        body, _ = read_entry(store, connection, index, msgspec.Struct)
        if not isinstance(body, SignatureEntry) or body.statement.target.origin not in origins:
            continue
        whole = sha256(statement_bytes(body.statement)).digest()
        if whole.startswith(digest):
            log = next(one for one in read_logs(connection) if one.origin == body.statement.target.origin)
            by = replaced_by(store, connection, log, members(body.statement.target))
            system = next(one.origin for one in read_logs(connection) if one.number == SYSTEM_LOG)
            return Printed(
                sort=PrintSort.SIGNATURE,
                address=str(Address(system, index)),
                digest=b64(whole),
                replaced_by=None if by is None else str(Address(log.origin, by)),
            )
    return None
