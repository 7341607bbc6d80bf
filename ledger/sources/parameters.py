"""The parameters of a log: set, listed, and the one that holds for a record, as of a size."""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, or_, select

from ledger.core.clock import parse_utc, utc_text
from ledger.core.entry import draft
from ledger.core.errors import IntegrityError, NotCanonical, SchemaViolation
from ledger.core.parameters import ParameterName, Value, most_specific, read, written
from ledger.sources import tables as t
from ledger.sources.maps import ALL, Page
from ledger.sources.parameter_kinds import KIND, Parameter
from ledger.store.append import Batch
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.store.store import Store


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The value that holds, and the entry of the log that set it."""

    value: Value
    entry: int


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry set for a source and type (null: all) from `applies_from` on (null: always).

    `value` null: there is none of its own any more, and a more general one holds.
    """

    name: ParameterName
    source: str | None
    type: str | None
    applies_from: str | None
    value: Value | None
    entry: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What entry `entry` set, and the entry from which on that held no more; null: it holds to this day."""

    source: str | None
    type: str | None
    applies_us: int | None
    removed: bool
    entry: int
    until: int | None
    value: Value | None

    def at(self, size: int) -> bool:
        """Whether it held as of a size of the log."""
        return self.entry < size and (self.until is None or self.until >= size)


class _Candidate(msgspec.Struct, frozen=True, gc=False):
    source: str | None
    type: str | None
    applies_us: int | None
    removed: bool
    entry: int


class Parameters:
    """The parameters of any log. Safe to use from any number of threads."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, log: int, entries: Iterable[Parameter]) -> list[int]:
        """Sets parameters, all or none, durable; returns the indices of the entries.

        Raises SchemaViolation, naming the member, for a value that is none of its name, and for a time that is none.
        """
        return [one.index for one in self._store.append(log, Batch([draft(checked(one)) for one in entries]))]

    def listed(
        self,
        log: int,
        name: ParameterName | None = None,
        size: int | None = None,
        source: str | None = None,
        page: Page = ALL,
    ) -> list[Listed]:
        """What was set as of a size (now, if none is given), in the order of the entries; `page.at_us` is not used."""
        row = t.parameter.c
        conditions = [row.log == log, as_of(t.parameter, size)]
        conditions += [column == given for column, given in ((row.name, name), (row.source, source)) if given]
        if page.after is not None:
            conditions.append(row.from_index > page.after)
        chosen = select(t.parameter).where(*conditions).order_by(row.from_index).limit(page.limit)
        with self._store.reading() as connection:
            return [self._listed(connection, log, found) for found in connection.execute(chosen)]

    def at(
        self,
        connection: Connection,
        log: int,
        size: int | None,
        name: ParameterName,
        source: str | None,
        type: str | None,
        moment_us: int,
    ) -> Found | None:
        """What holds for a record of that source and type at its moment, as of a size; None: nobody has said.

        Of the source and type before of the source, before of the type, before of all; then the latest that applies.
        """
        row = t.parameter.c
        fitting = select(row.source, row.type, row.applies_us, row.removed, row.from_index).where(
            row.log == log,
            row.name == name,
            as_of(t.parameter, size),
            _or_all(row.source, source),
            _or_all(row.type, type),
        )
        candidates = [
            _Candidate(found.source, found.type, found.applies_us, bool(found.removed), found.from_index)
            for found in connection.execute(fitting)
        ]
        chosen = most_specific(candidates, source, type, moment_us)
        if chosen is None:
            return None
        value = _value(connection, log, chosen.entry)
        if value is None:
            raise IntegrityError(f"entry {chosen.entry} of log {log} sets no parameter {name.value}: verify the ledger")
        return Found(value=value, entry=chosen.entry)

    def ever(self, connection: Connection, log: int, name: ParameterName) -> list[Held]:
        """All that was ever set of one name, in the order of the entries."""
        return ever(connection, log, name)

    def _listed(self, connection: Connection, log: int, row: Row[Any]) -> Listed:
        return Listed(
            name=ParameterName(row.name),
            source=row.source,
            type=row.type,
            applies_from=None if row.applies_us is None else utc_text(row.applies_us),
            value=_value(connection, log, row.from_index),
            entry=row.from_index,
        )


def ever(connection: Connection, log: int, name: ParameterName) -> list[Held]:
    """`Parameters.ever` in the caller's snapshot."""
    row = t.parameter.c
    chosen = select(t.parameter).where(row.log == log, row.name == name).order_by(row.from_index)
    return [
        Held(
            source=found.source,
            type=found.type,
            applies_us=found.applies_us,
            removed=bool(found.removed),
            entry=found.from_index,
            until=found.to_index,
            value=_value(connection, log, found.from_index),
        )
        for found in connection.execute(chosen)
    ]


def _value(connection: Connection, log: int, index: int) -> Value | None:
    body = LogReader(connection, log).entry(index).body
    held = None if body is None else KIND.decode(body)
    return read(held.name, held.value) if isinstance(held, Parameter) and held.value is not None else None


def checked(entry: Parameter) -> Parameter:
    """The entry with its value as entries hold it; raises SchemaViolation as `Parameters.put`."""
    value = None if entry.value is None else written(read(entry.name, entry.value))
    try:
        if entry.applies_from is not None:
            parse_utc(entry.applies_from)
        return msgspec.convert(msgspec.to_builtins(msgspec.structs.replace(entry, value=value)), Parameter)
    except NotCanonical:
        raise SchemaViolation(
            f"parameter {entry.name.value}: {entry.applies_from!r} is no instant", advice="Write 2026-01-31T08:00:00Z."
        ) from None
    except msgspec.ValidationError as error:
        raise SchemaViolation(f"parameter {entry.name.value}: {error}", advice="Correct what is named.") from None


def _or_all(column: ColumnElement[str], wanted: str | None) -> ColumnElement[bool]:
    return column.is_(None) if wanted is None else or_(column.is_(None), column == wanted)
