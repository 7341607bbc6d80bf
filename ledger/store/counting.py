"""How many records match, in all and by each facet: one look over what matches, never one by person."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.core.record import LinkKind
from ledger.store import schema
from ledger.store.combinations import MEMBERS, count_each, has_combined
from ledger.store.matching import by_combination, matching
from ledger.store.position import pos_of
from ledger.store.question import Query, Question
from ledger.store.search import newest, rows

FACETS: Final = ("source", "action", "outcome", "object_type")
"""Never the actor: counts by person would be a ranking of people."""
LINKED: Final = (LinkKind.BATCH, LinkKind.LOT, LinkKind.ORDER, LinkKind.EQUIPMENT, LinkKind.DOCUMENT)
"""What records belong to and are counted by. Never the person."""
NEWEST: Final = 1_000
"""Records whose links are counted."""
AT_ONCE: Final = 10_000
"""Records that a page counts by itself; more are counted for whoever asks for it."""


class Facet(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a facet, and how many records have it."""

    value: str
    count: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many records match; with `exact` false there are more, and `facets` are of the newest `total` and one."""

    total: int
    exact: bool
    facets: dict[str, tuple[Facet, ...]]


def counts(
    connection: Connection, log: int, size: int, query: Question, top: int = 20, most: int | None = None
) -> Counts:
    """Counts the records that match, as of `size`, and for each facet its `top` most frequent values.

    `most`: no more than so many are looked at.
    """
    place, chosen = matching(connection, log, 0, size, query)
    columns: list[Any] = [schema.record.c[name] for name in FACETS]
    asked = {} if query == Query() else by_combination(connection, query, combined=has_combined(connection))
    wanted = None if asked is None else [asked.get(name) for name in MEMBERS]
    if most is None and wanted is not None:
        each = count_each(connection, chosen, wanted)
        return _counted([(*one, number) for one, number in each if number], top, most)
    if most is not None and query != Query() and wanted is not None:
        # Where only few match, to go down the log until they are met would be to read all of it.
        few = Counter(row[1:] for row in rows(connection, log, 0, size, query, columns, most + 1))
        if few.total() <= most:
            return _counted([(*values, number) for values, number in few.items()], top, most)
    found = chosen.with_only_columns(*columns)
    if most is not None:
        found = found.order_by(place.desc()).limit(most + 1)
    met = found.subquery()
    return _counted(connection.execute(select(*met.c, func.count()).group_by(*met.c)).all(), top, most)


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """To what the newest `of` of the records that match belong, and how many of these to each."""

    of: int
    facets: dict[LinkKind, tuple[Facet, ...]]


def linked(connection: Connection, log: int, size: int, query: Question, top: int = 20) -> Linked:
    """Counts the links of the newest `NEWEST` records that match, as of `size`; of each kind the `top` commonest."""
    found = newest(connection, log, size, query, None, NEWEST)
    link = schema.record_link.c
    links = select(link.kind, link.id, link.pos).where(
        link.pos.in_([pos_of(log, index) for index in found]), link.kind.in_([kind.value for kind in LINKED])
    )
    by: dict[LinkKind, Counter[str]] = {kind: Counter() for kind in LINKED}
    # A record that names the same thing twice belongs to it once.
    for kind, id_, _ in {tuple(row) for row in connection.execute(links)}:
        by[LinkKind(kind)][id_] += 1
    return Linked(of=len(found), facets={kind: _most_frequent(counted, top) for kind, counted in by.items()})


def _counted(met: Iterable[Sequence[Any]], top: int, most: int | None) -> Counts:
    """Of rows that each say how many records have these values of the facets."""
    by: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    total = 0
    for *values, number in met:
        total += number
        for name, value in zip(FACETS, values, strict=True):
            by[name][value] += number
    exact = most is None or total <= most
    return Counts(
        total=total if exact else most or 0,
        exact=exact,
        facets={name: _most_frequent(counted, top) for name, counted in by.items()},
    )


def _most_frequent(counted: Counter[str], top: int) -> tuple[Facet, ...]:
    """Of the same frequency in the order of their code points."""
    order = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Facet(value=value, count=number) for value, number in order[:top])
