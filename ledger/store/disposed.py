"""Entries whose content was disposed of: which, by what, and the removal itself.

Nothing of an entry goes that no disposal's entry names: triggers refuse it (`append_only.allow_disposal`).
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, distinct, func, select, text
from sqlalchemy.exc import ProgrammingError

from ledger.core.errors import ConfigError
from ledger.core.tables import EntryState
from ledger.store import schema
from ledger.store.engine import is_sqlite
from ledger.store.position import index_of, log_of, pos_of


class Disposal(msgspec.Struct, frozen=True, kw_only=True):
    """That an entry was disposed of: by which entry of the system log."""

    entry: int


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """An entry whose content goes; of a record also its source, its identity there, and its links (kind, id)."""

    pos: int
    source: str | None = None
    record_id: str | None = None
    links: tuple[tuple[str, str], ...] = ()


def disposal_of(connection: Connection, log: int, index: int) -> Disposal | None:
    """The disposal that names an entry, as the projection has it; None where none does."""
    row = schema.disposed_entry.c
    pos = connection.scalar(select(row.pos).where(row.row_pos == pos_of(log, index)).order_by(row.pos).limit(1))
    return None if pos is None else Disposal(entry=index_of(pos))


def state_of(connection: Connection, log: int, index: int, body: bytes | None) -> tuple[EntryState, Disposal | None]:
    """What is there of an entry that stands so in the database, and the disposal that took the rest."""
    if body is not None:
        return EntryState.PRESENT, None
    gone = disposal_of(connection, log, index)
    return (EntryState.MISSING if gone is None else EntryState.DISPOSED), gone


def count_disposed(connection: Connection, log: int) -> int:
    """How many entries of a log were disposed of: searches find none of them."""
    pos = schema.disposed_entry.c.row_pos
    found = select(func.count(distinct(pos))).where(pos >= pos_of(log, 0), pos < pos_of(log + 1, 0))
    return connection.scalar(found) or 0


def remove(connection: Connection, doomed: Sequence[Doomed]) -> None:
    """Takes content, salt, originals, sealed values and search rows of these entries, whose disposal stands already.

    Raises ConfigError where the database has no role that may.
    """
    if is_sqlite(connection):
        # What is deleted is overwritten; the write-ahead log is emptied after the commit.
        connection.exec_driver_sql("PRAGMA secure_delete = ON").close()
        try:
            _remove_here(connection, doomed)
        finally:
            connection.exec_driver_sql("PRAGMA secure_delete = OFF").close()
        return
    linked = [(one.pos, kind, ident) for one in doomed for kind, ident in one.links]
    values = {
        "places": [one.pos for one in doomed],
        "sources": [one.source for one in doomed],
        "ids": [one.record_id for one in doomed],
        "linked": [pos for pos, _, _ in linked],
        "link_kinds": [kind for _, kind, _ in linked],
        "link_ids": [ident for _, _, ident in linked],
    }
    types = ("bigint[]", "text[]", "text[]", "bigint[]", "text[]", "text[]")
    arguments = ", ".join(f"CAST(:{name} AS {sort})" for name, sort in zip(values, types, strict=True))
    try:
        connection.execute(text(f"SELECT trailseal_dispose({arguments})"), values)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) not in ("42883", "42501"):
            raise
        raise ConfigError(
            "this database has no role that may dispose of anything",
            advice="Run deploy/postgres/roles.sql before the ledger is made or upgraded.",
        ) from None


def _remove_here(connection: Connection, doomed: Sequence[Doomed]) -> None:
    unindex = f"INSERT INTO {schema.record.name}_fts({schema.record.name}_fts, rowid, tokens) VALUES ('delete', ?, ?)"
    record, key, link = schema.record, schema.source_key, schema.record_link
    for one in doomed:
        tokens = connection.scalar(select(record.c.tokens).where(record.c.pos == one.pos))
        if tokens is not None:
            connection.exec_driver_sql(unindex, (one.pos, tokens))
        for table in (schema.body, schema.original, schema.sealed_value, record, schema.record_change):
            connection.execute(delete(table).where(table.c.pos == one.pos))
        for kind, ident in one.links:
            connection.execute(delete(link).where(link.c.kind == kind, link.c.id == ident, link.c.pos == one.pos))
        if one.record_id is not None:
            same = (key.c.source == one.source, key.c.record_id == one.record_id, key.c.pos == one.pos)
            connection.execute(delete(key).where(key.c.log == log_of(one.pos), *same))
