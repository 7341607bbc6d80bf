"""What maps, parameters, counts and statements can alter: those blocks are assessed again, and what differs succeeds
what stood.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, select

from ledger.review.alcoa.blocks import Place
from ledger.review.known.days import DAY_US
from ledger.sources import tables as t
from ledger.store.position import index_of, pos_of


class Scope(NamedTuple):
    """What an entry can alter: blocks of a source (None: of all), from one day to another (None: without end)."""

    entry: int
    source: str | None
    first: int | None
    last: int | None

    def has(self, place: Place) -> bool:
        """Whether a block is in it."""
        return (
            self.source in (None, place.source)
            and (self.first is None or place.day >= self.first)
            and (self.last is None or place.day <= self.last)
        )


def altered(connection: Connection, log: int, low: int, size: int) -> list[Scope]:
    """What the entries of maps, parameters, counts and imports from `low` to before `size` can alter, in their order.

    A line of the identity map tells who was seen elsewhere too, and one of the asset map what belongs to a batch until
    that ends: they reach to all sources. Clocks are off by a day at most, so each reaches a day further.
    """
    return sorted(_scopes(connection, log, low, size), key=lambda one: one.entry)


def of_parameter(entry: int, source: str | None, since: int | None) -> Scope:
    """What a parameter of a source (None: of all) that applies from a moment on (None: always) can alter."""
    return Scope(entry, source, None if since is None else since // DAY_US, None)


def of_identity(entry: int, since: int, until: int | None) -> Scope:
    """What a line of the identity map can alter."""
    return Scope(entry, None, since // DAY_US - 1, None if until is None else until // DAY_US + 1)


def of_asset(entry: int, since: int) -> Scope:
    """What a line of the asset map can alter."""
    return Scope(entry, None, since // DAY_US - 1, None)


def _scopes(connection: Connection, log: int, low: int, size: int) -> Iterator[Scope]:
    row = t.parameter.c
    for entry, source, since in _changed(connection, t.parameter, log, low, size, row.source, row.applies_us):
        yield of_parameter(entry, source, since)
    row = t.identity.c
    for entry, since, until in _changed(connection, t.identity, log, low, size, row.from_us, row.to_us):
        yield of_identity(entry, since, until)
    row = t.asset.c
    for entry, since in _changed(connection, t.asset, log, low, size, row.from_us):
        yield of_asset(entry, since)
    row = t.source_import.c
    for entry, source in _changed(connection, t.source_import, log, low, size, row.source):
        yield Scope(entry, source, None, None)
    counted = t.reconciliation.c
    mine = select(counted.pos, counted.source, counted.from_us, counted.to_us).where(
        counted.pos >= pos_of(log, low), counted.pos < pos_of(log, size)
    )
    for pos, source, since, until in connection.execute(mine):
        yield Scope(index_of(pos), source, since // DAY_US, until // DAY_US)


def _changed(
    connection: Connection, table: Table, log: int, low: int, size: int, *columns: ColumnElement[Any]
) -> Iterator[tuple[Any, ...]]:
    """The lines that entries of that range began or ended, each with the entry that did."""
    row = table.c
    for edge in (row.from_index, row.to_index):
        chosen = select(edge, *columns).where(row.log == log, edge >= low, edge < size)
        yield from map(tuple, connection.execute(chosen))
