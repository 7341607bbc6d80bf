"""What marks the records of a selection: that they were entered by hand, are corrected, or are excluded.

Read as of a size of the log, of that log alone; each entry is proven as it is read.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import select

from ledger.core.address import parse_address
from ledger.core.errors import IntegrityError
from ledger.core.kinds import KindRegistry
from ledger.core.members import Members
from ledger.sources import tables
from ledger.sources.hand_kinds import ByHand, Exclusion
from ledger.store.position import index_of, pos_of
from ledger.trace.proven import ProvenEntry, ProvenLog


def marking(log: ProvenLog, kinds: KindRegistry, selected: Iterable[int]) -> Iterator[ProvenEntry]:
    """The entries that mark records of a selection (`selected`: in index order), in the order of the log.

    Raises IntegrityError where a table names an entry that says otherwise.
    """
    by_hand = _by_hand(log)
    excluded = _excluded(log)
    if not by_hand and not excluded:
        return
    members = Members.of(selected)
    wanted = {
        index: key
        for index, key, record, corrects in by_hand
        if record in members or (corrects is not None and _here(log.origin, corrects, members))
    }
    wanted |= {index: key for index, key, low, high in excluded if members.between(low, high)}
    for index in sorted(wanted):
        entry = log.entry(index)
        body = kinds[entry.kind].decode(entry.body)
        key = body.hand if isinstance(body, ByHand) else body.exclusion if isinstance(body, Exclusion) else None
        if key != wanted[index]:
            raise IntegrityError(f"the tables of marks name entry {index}, but its body says otherwise")
        yield entry


def _here(origin: str, address: str, members: Members) -> bool:
    place = parse_address(address)
    return place.origin == origin and place.index in members


def _by_hand(log: ProvenLog) -> list[tuple[int, str, int, str | None]]:
    row = tables.by_hand.c
    chosen = select(row.from_index, row.key, row.record, row.corrects)
    found = log.connection.execute(chosen.where(row.log == log.log, row.from_index < log.size))
    return [(one.from_index, one.key, one.record, one.corrects) for one in found]


def _excluded(log: ProvenLog) -> list[tuple[int, str, int, int]]:
    row = tables.exclusion_run.c
    here = row.pos.between(pos_of(log.log, 0), pos_of(log.log, log.size) - 1)
    found = log.connection.execute(select(row.pos, row.exclusion, row.low, row.high).where(here))
    return [(index_of(one.pos), one.exclusion, one.low, one.high) for one in found]
