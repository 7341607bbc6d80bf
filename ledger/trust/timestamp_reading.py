"""Time-stamps as the log's own entries have them; tables only say where to look."""

from typing import TypeVar

import msgspec
from sqlalchemy import Connection, Select, func, select

from ledger.core.address import LogId
from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import b64, body_commitment
from ledger.core.kinds import KindRegistry
from ledger.core.note import parse_note
from ledger.core.passkey import unb64url
from ledger.core.timestamp_entries import TimestampAuthorityEntry, TimestampEntry, Tsas, history_of
from ledger.core.timestamps import TimeStamp, differs
from ledger.store import schema
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust.timestamp_tables import time_stamp, timestamp_authority

_CANDIDATES = 16
"""Time-stamps that are looked at for an entry's first: the smallest checkpoints over it, by several authorities."""

Body = TypeVar("Body", bound=msgspec.Struct)


class Stamped(msgspec.Struct, frozen=True, kw_only=True):
    """A time-stamp as it was entered."""

    index: int
    origin: str
    size: int
    tsa: str
    gen_us: int
    entered_us: int


class Existed(msgspec.Struct, frozen=True, kw_only=True):
    """By which moment (µs) an entry was there, as an authority of time says, in entry `index` of the system log.

    `late`: it had waited for that longer than the authority's schedule lets it.
    """

    by_us: int
    tsa: str
    subject: str
    index: int
    size: int
    late: bool


def read_body(kinds: KindRegistry, connection: Connection, index: int, sort: type[Body]) -> tuple[Body, int]:
    """A body of the system log that its leaf commits to, and when it was logged (µs); raises IntegrityError."""
    found = LogReader(connection, SYSTEM_LOG).entry(index)
    leaf = decode_leaf(found.leaf)
    if found.body is None or b64(body_commitment(found.salt or b"", found.body)) != leaf.body:
        raise IntegrityError(f"entry {index} of the system log has not the body that its leaf commits to")
    body = kinds[leaf.kind].decode(found.body)
    if not isinstance(body, sort):
        raise IntegrityError(f"a table names entry {index} of the system log for what it is not")
    return body, parse_utc(leaf.logged_at)


def read_tsas(kinds: KindRegistry, connection: Connection) -> Tsas:
    """Every time-stamp authority there is or was; raises IntegrityError where an entry of one does not hold."""
    row = timestamp_authority.c
    found = connection.execute(select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)).all()
    indices = sorted({at for one in found for at in one if at is not None})
    return history_of((index, read_body(kinds, connection, index, TimestampAuthorityEntry)[0]) for index in indices)


def covered_size(connection: Connection, origin: str) -> int:
    """Up to which size a log's entries have a time-stamp."""
    row = time_stamp.c
    return connection.scalar(select(func.max(row.size)).where(row.origin == origin)) or 0


def newest(
    connection: Connection,
    most: int,
    *,
    before: int | None = None,
    after: int = -1,
    origin: str | None = None,
    tsa: str | None = None,
) -> list[Stamped]:
    """The newest time-stamps, newest first: of a log, by an authority, between two entries of the system log."""
    row, query = time_stamp.c, _stamped()
    query = query.where(row.pos > pos_of(SYSTEM_LOG, after) if after >= 0 else row.pos >= 0)
    if before is not None:
        query = query.where(row.pos < pos_of(SYSTEM_LOG, before))
    for column, value in ((row.origin, origin), (row.tsa, tsa)):
        if value is not None:
            query = query.where(column == value)
    return _listed(connection, query.order_by(row.pos.desc()).limit(most))


def find(connection: Connection, index: int) -> Stamped | None:
    """The time-stamp at an entry of the system log; None where that is none."""
    return next(iter(_listed(connection, _stamped().where(time_stamp.c.pos == pos_of(SYSTEM_LOG, index)))), None)


def token_at(kinds: KindRegistry, connection: Connection, index: int) -> bytes:
    """The whole response (DER) of the time-stamp at an entry; raises IntegrityError where that is none."""
    return unb64url(read_body(kinds, connection, index, TimestampEntry)[0].token)


def checkpoint_text(connection: Connection, log: int, body: TimestampEntry) -> str:
    """The text of the stored checkpoint that a time-stamp names; raises IntegrityError where it is not stored so."""
    table = schema.checkpoint
    note = connection.scalar(select(table.c.note).where(table.c.log == log, table.c.size == body.size))
    if note is None:
        raise IntegrityError(f"the checkpoint of size {body.size} of {body.origin} that it names is missing")
    return named_text(bytes(note), body)


def named_text(note: bytes, body: TimestampEntry) -> str:
    """The text of a checkpoint; raises IntegrityError unless it is the one that the time-stamp names."""
    text = parse_note(note).text
    found = Checkpoint.parse(text)
    if (found.origin, found.size, b64(found.root)) != (body.origin, body.size, body.root):
        raise IntegrityError(f"the checkpoint of size {body.size} of {body.origin} is another than it names")
    return text


def existed_by(kinds: KindRegistry, connection: Connection, log: LogId, index: int) -> Existed | None:
    """By when an entry was there for certain: its first time-stamp that holds, verified again for this look.

    None where there is none. One by which it was there well before our clock says that it was logged dates nothing.
    """
    row = time_stamp.c
    query = _stamped().where(row.origin == log.origin, row.size > index).order_by(row.size, row.pos)
    candidates = _listed(connection, query.limit(_CANDIDATES))
    if not candidates:
        return None
    tsas, reader = read_tsas(kinds, connection), LogReader(connection, log.number)
    logged_us = _logged_us(reader, index)
    found: list[Existed] = []
    for one in candidates:
        try:
            body, _ = read_body(kinds, connection, one.index, TimestampEntry)
            stamp = tsas.verify(one.index, body, checkpoint_text(connection, log.number, body).encode())
        except LedgerError:
            continue  # level 3 says what is wrong with it; it dates nothing
        if body.size <= index or body.origin != log.origin:
            continue
        if not differs(stamp.gen_us, stamp.accuracy_us, _logged_us(reader, body.size - 1)):
            found.append(_existed(one.index, body, stamp, tsas, logged_us))
    return min(found, key=lambda one: (one.by_us, one.index), default=None)


def _existed(index: int, body: TimestampEntry, stamp: TimeStamp, tsas: Tsas, logged_us: int) -> Existed:
    tsa = tsas.by_proposal(body.proposed)
    assert tsa is not None
    return Existed(
        by_us=stamp.by_us,
        tsa=body.tsa,
        subject=stamp.subject,
        index=index,
        size=body.size,
        late=stamp.by_us - logged_us > tsa.late_us,
    )


def _logged_us(reader: LogReader, index: int) -> int:
    return parse_utc(decode_leaf(reader.entry(index).leaf).logged_at)


def _stamped() -> Select[tuple[int, str, int, str, int, int]]:
    row = time_stamp.c
    return select(row.pos, row.origin, row.size, row.tsa, row.gen_us, row.entered_us)


def _listed(connection: Connection, query: Select[tuple[int, str, int, str, int, int]]) -> list[Stamped]:
    return [
        Stamped(
            index=index_of(one.pos),
            origin=one.origin,
            size=one.size,
            tsa=one.tsa,
            gen_us=one.gen_us,
            entered_us=one.entered_us,
        )
        for one in connection.execute(query)
    ]
