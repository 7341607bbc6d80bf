"""What is said beside a record wherever it is shown: entered by hand, corrected by, corrects, excluded from … because.

Marks of the record's own log are as of the size that is read; a correction in another log is told as of now.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, and_, literal, or_, select

from ledger.core.address import Address, LogId
from ledger.present.marks import excluded_text
from ledger.present.messages import message
from ledger.sources import tables as t
from ledger.sources.exclusions import Excluded, exclusions_of
from ledger.sources.hand_kinds import HandState
from ledger.store.logs import read_logs
from ledger.store.schema import as_of

_AT_ONCE: Final = 500


class Marks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`by_hand`: it was entered by hand, and stands so; `hand` is its id there. `corrects`, `corrected_by`: addresses.

    `excluded`: from which evaluations it was excluded and why, with those exclusions that were lifted.
    """

    hand: str | None = None
    by_hand: HandState | None = None
    corrects: str | None = None
    corrected_by: tuple[str, ...] = ()
    excluded: tuple[Excluded, ...] = ()


def marks_of(connection: Connection, log: LogId, indices: Sequence[int], size: int | None = None) -> dict[int, Marks]:
    """The marks of these entries of a log; those that have none are left out."""
    found: dict[int, Marks] = {}
    if not any(connection.scalar(select(literal(1)).select_from(one).limit(1)) for one in (t.by_hand, t.exclusion_run)):
        return found  # most ledgers have none, and an export would ask for each of its records
    for at in range(0, len(indices), _AT_ONCE):
        found |= _marks(connection, log, indices[at : at + _AT_ONCE], size)
    return found


def _marks(connection: Connection, log: LogId, indices: Sequence[int], size: int | None) -> dict[int, Marks]:
    row = t.by_hand.c
    here = {str(Address(log.origin, index)): index for index in indices}
    standing = and_(row.log == log.number, as_of(t.by_hand, size))
    elsewhere = and_(row.log != log.number, row.to_index.is_(None))
    by_hand = {
        one.record: one for one in connection.execute(select(t.by_hand).where(standing, row.record.in_(indices)))
    }
    corrections = connection.execute(
        select(row.log, row.record, row.corrects)
        .where(row.corrects.in_(here), or_(standing, elsewhere))
        .order_by(row.log, row.record)
    ).all()
    origins = {one.number: one.origin for one in read_logs(connection)} if corrections else {}
    corrected: dict[int, list[str]] = {}
    for one in corrections:
        corrected.setdefault(here[one.corrects], []).append(str(Address(origins[one.log], one.record)))
    excluded = exclusions_of(connection, log.number, indices, size)
    found = {}
    for index in sorted({*by_hand, *corrected, *excluded}):
        mine = by_hand.get(index)
        found[index] = Marks(
            hand=None if mine is None else mine.key,
            by_hand=None if mine is None else HandState(mine.state),
            corrects=None if mine is None else mine.corrects,
            corrected_by=tuple(corrected.get(index, ())),
            excluded=excluded.get(index, ()),
        )
    return found


class Told(msgspec.Struct, frozen=True):
    """A mark in words; `address`: the other record that it is about."""

    words: str
    address: str | None = None


def marks_told(marks: Marks) -> tuple[Told, ...]:
    """The marks of a record in words, each for a line of its own."""
    found = [] if marks.by_hand is None else [Told(message(f"marks.by-hand.{marks.by_hand.value}"))]
    if marks.corrects is not None:
        found.append(Told(message("marks.corrects", address=marks.corrects), marks.corrects))
    found += [Told(message("marks.corrected", address=one), one) for one in marks.corrected_by]
    return (*found, *(Told(excluded_told(one)) for one in marks.excluded))


def excluded_told(one: Excluded) -> str:
    """An exclusion in words: from what, why, and why it was lifted, if it was."""
    lifted = None if one.lifted is None else one.lifted.justification
    return excluded_text(one.evaluation.sort.value, one.evaluation.name, one.excluded.justification, lifted)
