"""What speaks for who used a shared account, without saying it: which shift was worked, and who was at the workstation.

A shared account is nobody's. A plan of shifts says who ought to have been there, and a log-in or a badge who came by:
neither says who acted, so that what is found is shown beside the record as corroboration, and resolves nothing.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.clock import utc_text
from ledger.core.record import Action, Record
from ledger.sources import tables as t
from ledger.sources.maps import person_at, shift_at
from ledger.store import schema
from ledger.store.position import index_of, pos_of
from ledger.store.records import HOUR_US
from ledger.store.schema import as_of

BEFORE_US: Final = 8 * HOUR_US
"""How long before a record somebody who came to its workstation is looked for."""


class CorroborationSort(StrEnum):
    """What speaks for it."""

    SHIFT = "shift"
    BADGE = "badge"


class Corroborates(msgspec.Struct, frozen=True, kw_only=True):
    """Something that speaks for who used a shared account: it resolves nothing.

    `name` of the shift, or the place; `person`: of the map, who came there, null of a shift; `since`, and of a shift
    `until`; `entry` says so.
    """

    sort: CorroborationSort
    name: str
    person: str | None
    since: str
    until: str | None
    entry: int


def corroboration(
    connection: Connection, log: int, record: Record, at_us: int, size: int | None = None
) -> tuple[Corroborates, ...]:
    """What speaks for who acted in a record of a shared account, by what the log says as of a size (now, without)."""
    return *_shifts(connection, log, at_us, size), *_badges(connection, log, record, at_us, size)


def _shifts(connection: Connection, log: int, at_us: int, size: int | None) -> Iterator[Corroborates]:
    row = t.calendar.c
    names = select(row.name).where(row.log == log, as_of(t.calendar, size)).distinct().order_by(row.name)
    for name in connection.scalars(names).all():
        worked = shift_at(connection, log, name, at_us, size)
        if worked is not None:
            yield Corroborates(
                sort=CorroborationSort.SHIFT,
                name=f"{worked.calendar}: {worked.shift}",
                person=None,
                since=worked.began,
                until=worked.ended,
                entry=worked.entry,
            )


def _badges(connection: Connection, log: int, record: Record, at_us: int, size: int | None) -> Iterator[Corroborates]:
    """Persons who came to the record's workstation under accounts of their own, and had not left it."""
    place = record.actor.workstation
    if place is None:
        return
    row = schema.record.c
    high = pos_of(log + 1, 0) if size is None else pos_of(log, size)
    came = connection.execute(
        select(row.pos, row.source, row.actor, row.action, row.at_us)
        .where(
            row.hour.between((at_us - BEFORE_US) // HOUR_US, at_us // HOUR_US),
            row.at_us.between(at_us - BEFORE_US, at_us),
            row.pos >= pos_of(log, 0),
            row.pos < high,
            row.workstation == place,
            row.action.in_((Action.LOGIN.value, Action.LOGOUT.value)),
            row.actor.is_not(None),
        )
        .order_by(row.at_us, row.pos)
    )
    there: dict[str, Corroborates] = {}
    for pos, source, account, action, when_us in came:
        whose = person_at(connection, log, source, account, when_us, size)
        if whose is None or whose.person is None:
            continue
        if action == Action.LOGOUT.value:
            there.pop(whose.person, None)
            continue
        there[whose.person] = Corroborates(
            sort=CorroborationSort.BADGE,
            name=place,
            person=whose.person,
            since=utc_text(when_us),
            until=None,
            entry=index_of(pos),
        )
    yield from there.values()
