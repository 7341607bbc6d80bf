"""What stood in the fields of an object at an instant, as of a size: one value, or all that can have stood there.

Where clocks do not tell which of two changes was the last by then, both values are given. A change that nothing places
in time is left out, for an instant cannot be said to be before or after it; such records are counted.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from sqlalchemy import Connection

from ledger.core.instants import PRECISION_US
from ledger.core.record import Action, Maybe
from ledger.core.times import Precision
from ledger.sources.parameters import Parameters
from ledger.store import schema
from ledger.store.changes import FEW, Changes, Moment, Thing
from ledger.store.matching import matching
from ledger.store.position import index_of
from ledger.store.question import Query
from ledger.trace.assets import MAX_CLOCK_ERROR_US
from ledger.trace.bodies import bodies, placed
from ledger.trace.precedence import Happening, Placing, happened_before

_APART_US: Final = MAX_CLOCK_ERROR_US + PRECISION_US[Precision.DAY]
"""Of a field with more than `FEW` changes those further apart than twice this are taken to be in order."""


class Exists(StrEnum):
    """Whether the object is there; unknown too where no record created or deleted it."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Stood(msgspec.Struct, frozen=True, kw_only=True):
    """A value that can have stood there, and the entry that put it there; null: it stood before the first one told.

    Without `value` the source did not say it. A sealed one is given by its commitment.
    """

    since: int | None
    value: Maybe = msgspec.UNSET
    unit: str | None = None


class FieldState(msgspec.Struct, frozen=True, kw_only=True):
    """A field: certain where there is one alternative."""

    attribute: str
    certain: bool
    alternatives: tuple[Stood, ...]


class ObjectState(msgspec.Struct, frozen=True, kw_only=True):
    """An object of a source. `existence`: what can be said of whether it is there, and by which entries.

    `undated`: how many of its records nothing places in time.
    """

    source: str
    exists: Exists
    existence: tuple[Stood, ...]
    fields: tuple[FieldState, ...]
    undated: int


class _Step(msgspec.Struct, frozen=True):
    record: Happening
    old: Maybe
    new: Maybe
    unit: str | None = None


def sources_of(connection: Connection, log: int, size: int, type_: str, id_: str) -> list[str]:
    """The sources that have told of an object, in order."""
    _, chosen = matching(connection, log, 0, size, Query(object_type=type_, object_id=id_))
    return sorted(connection.scalars(chosen.with_only_columns(schema.record.c.source).distinct()))


def state_at(
    connection: Connection, parameters: Parameters, log: int, size: int, thing: Thing, at_us: int
) -> ObjectState:
    """The state at an instant (microseconds UTC), as of a size, whatever the order in which records came."""
    placing = Placing(connection, parameters, log, size)
    fields = []
    for field, moments in sorted((Changes(connection, log, size).of(thing) or {}).items()):
        near = _near(moments, at_us)
        read = dict(bodies(connection, log, sorted({one.entry for one in near})))
        happened = {index: placing.place(index, body) for index, body in read.items()}
        steps = []
        for one in near:
            change = read[one.entry].record.changes[one.ordinal]
            steps.append(_Step(happened[one.entry], change.old, change.new, change.unit))
        fields.append(_field(field.attribute, _stood(steps, at_us)))
    records = _records(connection, log, size, thing)
    existence = _stood(_made(placing, connection, log, records), at_us)
    return ObjectState(
        source=thing.source,
        exists=_exists(existence),
        existence=existence,
        fields=tuple(fields),
        undated=_undated(connection, log, records),
    )


def state_as_logged(connection: Connection, log: int, index: int, thing: Thing) -> ObjectState:
    """The state after entry `index`, by the order of the log alone: what it said last of each field by then."""
    size = index + 1
    fields = []
    for field, moments in sorted((Changes(connection, log, size).of(thing) or {}).items()):
        last = max(moments, key=lambda one: (one.pos, one.ordinal))
        ((_, body),) = bodies(connection, log, [last.entry])
        change = body.record.changes[last.ordinal]
        fields.append(_field(field.attribute, (Stood(since=last.entry, value=change.new, unit=change.unit),)))
    records = _records(connection, log, size, thing)
    last_made = bodies(connection, log, records.made[-1:])
    existence = tuple(Stood(since=one, value=body.record.action is Action.CREATE) for one, body in last_made)
    return ObjectState(
        source=thing.source,
        exists=_exists(existence),
        existence=existence,
        fields=tuple(fields),
        undated=_undated(connection, log, records),
    )


_MADE: Final = (Action.CREATE, Action.DELETE)


def _near(moments: Sequence[Moment], at_us: int) -> Sequence[Moment]:
    """The changes of a field, in order of what is claimed, that can have been the last by then, or the first of all."""
    if len(moments) <= FEW:
        return moments
    settled = bisect_right(moments, at_us - _APART_US, key=_at) - 1
    low = moments[max(0, settled)].at_us - 2 * _APART_US
    high = max(at_us + _APART_US, moments[0].at_us + 2 * _APART_US if settled < 0 else at_us)
    return [one for one in moments if low <= one.at_us <= high]


def _at(moment: Moment) -> int:
    return moment.at_us


def _stood(steps: Sequence[_Step], at_us: int) -> tuple[Stood, ...]:
    """A step can be the last one by then if it can have happened by then, and none that surely did was later."""
    dated = sorted(
        ((span.low_us, span.high_us, step) for step in steps if (span := step.record.span) is not None),
        key=lambda one: one[:2],
    )
    surely = [(low, step) for low, high, step in reversed(dated) if high <= at_us]
    latest = surely[0][0] if surely else 0
    found = [
        Stood(since=step.record.index, value=step.new, unit=step.unit)
        for low, high, step in dated
        if low <= at_us
        and not (surely and high < latest)
        and not any(happened_before(step.record, other.record) for _, other in surely)
    ]
    if not surely and dated:
        earliest_end = min(high for _, high, _ in dated)
        found += [
            Stood(since=None, value=step.old, unit=step.unit)
            for low, _, step in dated
            if low <= earliest_end and not any(happened_before(other.record, step.record) for _, _, other in dated)
        ]
    return tuple(dict.fromkeys(found))


def _field(attribute: str, alternatives: tuple[Stood, ...]) -> FieldState:
    return FieldState(attribute=attribute, certain=len(alternatives) == 1, alternatives=alternatives)


def _exists(existence: tuple[Stood, ...]) -> Exists:
    values = {one.value for one in existence}
    return Exists.UNKNOWN if len(values) != 1 else Exists.YES if values == {True} else Exists.NO


class _Records(msgspec.Struct, frozen=True):
    """Of an object's records, in the order of the log: those that made or deleted it, those without an instant."""

    made: list[int]
    without: list[int]


def _records(connection: Connection, log: int, size: int, thing: Thing) -> _Records:
    place, chosen = matching(connection, log, 0, size, _query(thing))
    row = schema.record.c
    found = _Records([], [])
    for pos, action, occurred_us in connection.execute(
        chosen.with_only_columns(place, row.action, row.occurred_us).order_by(place)
    ):
        if action in _MADE:
            found.made.append(index_of(pos))
        if occurred_us is None:
            found.without.append(index_of(pos))
    return found


def _made(placing: Placing, connection: Connection, log: int, records: _Records) -> list[_Step]:
    return [
        _Step(placing.place(index, body), not there, there)
        for index, body in bodies(connection, log, records.made)
        for there in (body.record.action is Action.CREATE,)
    ]


def _undated(connection: Connection, log: int, records: _Records) -> int:
    return sum(placed(body) is None for _, body in bodies(connection, log, records.without))


def _query(thing: Thing) -> Query:
    return Query(source=thing.source, object_type=thing.type, object_id=thing.id)
