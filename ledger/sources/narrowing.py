"""Questions for a person or a place, made questions for accounts and tags by the dated maps as of the same size."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, Table, select

from ledger.core.errors import SchemaViolation
from ledger.sources import tables as t
from ledger.sources.maps import rows_of_each
from ledger.store.question import MAX_SPANS, Narrowed, Query, Question, Span
from ledger.store.schema import as_of

PLACE: Final = ("site", "area", "line", "unit", "equipment")


class Where(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whose the account was, and where the object stood (ISA-95), at the moment of the record; all that is given holds.

    A shared account is nobody's.
    """

    person: str | None = None
    site: str | None = None
    area: str | None = None
    line: str | None = None
    unit: str | None = None
    equipment: str | None = None


def narrow(connection: Connection, log: int, size: int, query: Query, where: Where) -> Question:
    """The question that the search tables answer. Where a map gives two answers for a moment, the latest start wins.

    Raises SchemaViolation where it is of more spans than a search takes.
    """
    if where == Where():
        return query
    place = {name: value for name in PLACE if (value := getattr(where, name)) is not None}
    accounts = tags = None
    if where.person is not None:
        accounts = _spans(connection, log, size, t.identity, "account", {"person": where.person}, MAX_SPANS)
    if place:
        tags = _spans(connection, log, size, t.asset, "tag", place, MAX_SPANS)
    return Narrowed(query=query, accounts=accounts, tags=tags)


def tags_of(connection: Connection, log: int, size: int, equipment: str) -> tuple[Span, ...]:
    """When which tags, rooms and other ids of sources stood for that equipment, as of a size; the latest start wins."""
    return _spans(connection, log, size, t.asset, "tag", {"equipment": equipment}, None)


def _spans(
    connection: Connection,
    log: int,
    size: int,
    table: Table,
    name: str,
    wanted: dict[str, str],
    most: int | None,
) -> tuple[Span, ...]:
    """Raises SchemaViolation for more than `most` spans."""
    row = table.c
    if any("\0" in value for value in wanted.values()):
        return ()  # no stored text holds U+0000, and PostgreSQL takes none to compare with
    held = [row.log == log, as_of(table, size)]
    chosen = select(row.source, row[name]).where(*held, *(row[key] == value for key, value in wanted.items()))
    named = {(source, value) for source, value in connection.execute(chosen.limit(None if most is None else most + 1))}
    _require_few(len(named), wanted, most)
    found = [
        Span(source=rows[0].source, value=getattr(rows[0], name), from_us=low, to_us=high)
        for rows in rows_of_each(connection, log, table, size, name, named).values()
        for low, high in _when(rows, lambda one: all(getattr(one, key) == it for key, it in wanted.items()))
    ]
    _require_few(len(found), wanted, most)
    return tuple(found)


def _require_few(found: int, wanted: dict[str, str], most: int | None) -> None:
    if most is not None and found > most:
        raise SchemaViolation(
            f"the maps name more than {most} accounts or tags for {' and '.join(wanted)}",
            advice="Narrow it, to a unit or a piece of equipment.",
        )


def _when(rows: Iterable[Row[Any]], holds: Callable[[Row[Any]], bool]) -> Iterator[tuple[int, int | None]]:
    """When the answer of a map's rows (by their start) is one for which that holds: spans that don't touch."""
    known = list(rows)
    bounds = sorted({at for one in known for at in (one.from_us, one.to_us) if at is not None})
    parts = [(low, high, _answers(known, low, holds)) for low, high in pairwise([*bounds, None]) if low is not None]
    for there, group in groupby(parts, key=lambda part: part[2]):
        run = list(group)
        if there:
            yield run[0][0], run[-1][1]


def _answers(rows: list[Row[Any]], at: int, holds: Callable[[Row[Any]], bool]) -> bool:
    held = [one for one in rows if one.from_us <= at and (one.to_us is None or one.to_us > at)]
    return bool(held) and holds(held[-1])
