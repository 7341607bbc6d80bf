"""Deviations in the quality system: which were raised for findings, and how that system says that they stand."""

from collections.abc import Collection, Iterable
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.disposition import DEVIATION, Deviation
from ledger.core.entry import decode_leaf
from ledger.core.looks import moment_us
from ledger.core.parameters import Deviations, ParameterName
from ledger.review.reviews import tables as t
from ledger.review.reviews.dispositions import AT_ONCE, Disposed, require_of
from ledger.sources.parameters import ever
from ledger.store.changes import Thing
from ledger.store.objects import records_of
from ledger.store.position import index_of
from ledger.store.reading import LogReader, body_of
from ledger.store.schema import as_of
from ledger.trace.bodies import bodies

SHOWN: Final = 500


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation that was raised from here, by its entry. `stands` are those findings for which no later one was."""

    entry: int
    at: str
    by: str
    stands: tuple[str, ...]
    deviation: Deviation


class DeviationStands(msgspec.Struct, frozen=True, kw_only=True):
    """A deviation as the quality system's records say: the last status, the entry that has it, whether that closes it.

    `status` null: no record that was collected says what it is, or nobody has set by which attribute (`deviations`).
    """

    number: str
    source: str | None
    status: str | None
    entry: int | None
    closed: bool


def raised(
    connection: Connection,
    log: int,
    keys: Collection[str] | None = None,
    size: int | None = None,
    limit: int = SHOWN,
    before: int | None = None,
) -> list[Raised]:
    """The deviations that were raised from here as of a size, newest first: for these findings, or any, before an
    entry.
    """
    row = t.deviation.c
    held: dict[int, list[str]] = {}
    chosen = select(row.from_index, row.key).where(row.log == log, as_of(t.deviation, size))
    chosen = chosen if before is None else chosen.where(row.from_index < before)
    parts = [None] if keys is None else [sorted(keys)[at : at + AT_ONCE] for at in range(0, len(keys), AT_ONCE)]
    for part in parts:
        for entry, key in connection.execute(chosen if part is None else chosen.where(row.key.in_(part))):
            held.setdefault(entry, []).append(key)
    entries = sorted(held, reverse=True)[:limit]
    found = []
    for stored in LogReader(connection, log).chosen(entries):
        body = body_of(stored, DEVIATION, Deviation)
        require_of(stored.index, held[stored.index], body.findings)
        found.append(
            Raised(
                entry=stored.index,
                at=decode_leaf(stored.leaf).logged_at,
                by=body.authority.actor,
                stands=tuple(sorted(held[stored.index])),
                deviation=body,
            )
        )
    return found


def stands(connection: Connection, log: int, size: int, number: str, source: str | None = None) -> DeviationStands:
    """How a deviation stands by the records that were collected of it as of a size.

    `source`: of which system; else of any for which the parameter `deviations` is set.
    """
    for held in ever(connection, log, ParameterName.DEVIATIONS):
        value = held.value
        if not isinstance(value, Deviations) or not held.at(size) or held.source is None:
            continue
        if source not in (None, held.source):
            continue
        found = _status(connection, log, size, held.source, value, number)
        if found is not None:
            status, entry = found
            closed = status in value.closed
            return DeviationStands(number=number, source=held.source, status=status, entry=entry, closed=closed)
    return DeviationStands(number=number, source=source, status=None, entry=None, closed=False)


def _status(
    connection: Connection, log: int, size: int, source: str, by: Deviations, number: str
) -> tuple[str, int] | None:
    """The last value that the attribute was given, and the entry that has it."""
    places = [pos for _, pos in records_of(connection, log, size, [Thing(source, by.object_type, number)])]
    last: tuple[int, int, str] | None = None
    for index, body in bodies(connection, log, sorted(map(index_of, places))):
        for one in body.record.changes:
            if one.attribute == by.attribute and isinstance(one.new, str):
                told = (moment_us(body), index, one.new)
                last = told if last is None else max(last, told)
    return None if last is None else (last[2], last[1])


def numbers_of(key: str, disposition: Disposed | None, known: Iterable[Raised]) -> list[tuple[str | None, str]]:
    """The deviations of a finding, as source (None: it is not said) and number: raised from here, or named by hand."""
    found: list[tuple[str | None, str]] = [
        (one.deviation.source, one.deviation.number) for one in known if key in one.stands
    ]
    named = None if disposition is None else disposition.disposition.deviation
    if named is not None and named not in {number for _, number in found}:
        found.append((None, named))
    return found
