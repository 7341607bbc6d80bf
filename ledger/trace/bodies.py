"""Bodies of records by their index, and when each happened."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, and_

from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, NotFound
from ledger.core.instants import occurred
from ledger.core.kinds import RECORD
from ledger.core.looks import Span, looked
from ledger.core.record import RecordBody
from ledger.store import schema
from ledger.store.position import pos_of
from ledger.store.reading import LogReader

_DECODER: Final = msgspec.json.Decoder(RecordBody)


class Placed(NamedTuple):
    """When a record happened; `between`: all that is known is that it was between two looks of a collector."""

    span: Span
    between: bool


def placed(body: RecordBody) -> Placed | None:
    """None where the record names no instant and no two looks bound it."""
    span = occurred(body)
    if span is not None:
        return Placed(span, between=False)
    between = looked(body)
    return None if between is None else Placed(between, between=True)


def record_of(reader: LogReader, index: int, size: int) -> RecordBody:
    """The record of an entry; raises NotFound where the log has none there as of a size, or its content is gone."""
    stored = reader.entry(index) if 0 <= index < size else None
    if stored is None or stored.body is None or decode_leaf(stored.leaf).kind != RECORD.name:
        raise NotFound(f"entry {index} is no record that is there as of size {size}")
    ((_, body),) = bodies(reader.connection, reader.log, [index])
    return body


def bodies(connection: Connection, log: int, indices: Iterable[int]) -> Iterator[tuple[int, RecordBody]]:
    """The records of these entries, in the order given; raises IntegrityError for one whose body is not there."""
    return decoded(connection, log, indices, _DECODER)


def decoded(
    connection: Connection, log: int, indices: Iterable[int], decoder: msgspec.json.Decoder[Any]
) -> Iterator[tuple[int, Any]]:
    """`bodies`, by a decoder that may read only a part of each."""
    for stored in LogReader(connection, log).chosen(indices):
        if stored.body is None:
            raise IntegrityError(f"entry {stored.index} is a record, but its body is not there")
        try:
            yield stored.index, decoder.decode(stored.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise IntegrityError(f"the body of entry {stored.index} is not one of a record: {error}") from None


def of_log(column: ColumnElement[int], log: int, size: int) -> ColumnElement[bool]:
    """The positions of a log as of a size."""
    return and_(column >= pos_of(log, 0), column < pos_of(log, size))


def linked(log: int, size: int, kind: str, id_: str) -> ColumnElement[bool]:
    """The links of that kind and id in a log as of a size."""
    link = schema.record_link.c
    return and_(link.kind == kind, link.id == id_, of_log(link.pos, log, size))
