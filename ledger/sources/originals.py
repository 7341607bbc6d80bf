"""The originals that the ledger holds of a source, with the records that were made of them when they came."""

import msgspec
from sqlalchemy import select

from ledger.core.kinds import RECORD
from ledger.core.record import Original, Record, RecordBody
from ledger.core.sealing import holds_sealed
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader, VaultReader
from ledger.store.store import Store


class KeptOriginal(msgspec.Struct, frozen=True, kw_only=True):
    """An original and its record; `sealed`: the record holds sealed values, which stand in no body."""

    index: int
    record: Record
    original: Original
    sealed: bool


def last_originals(store: Store, log: int, source: str, count: int) -> list[KeptOriginal]:
    """Those of the source's last records, at most `count`, newest first; disposed and erased ones are left out."""
    row = schema.metadata.tables["record"].c
    found = []
    with store.reading() as connection:
        reader, vault = LogReader(connection, log), VaultReader(connection)
        newest = (
            select(row.pos)
            .where(row.source == source, row.pos >= pos_of(log, 0), row.pos < pos_of(log + 1, 0))
            .order_by(row.pos.desc())
            .limit(count)
        )
        for pos in connection.scalars(newest):
            index = index_of(pos)
            body, kept = reader.entry(index).body, vault.original(log, index)
            if body is None or kept is None:
                continue
            made = RECORD.decode(body)
            assert isinstance(made, RecordBody)
            if made.original is None:
                continue
            original = Original(
                data=kept.value,
                media_type=made.original.media_type,
                parser=made.original.parser,
                parser_version=made.original.parser_version,
            )
            found.append(
                KeptOriginal(index=index, record=made.record, original=original, sealed=holds_sealed(made.record))
            )
    return found
