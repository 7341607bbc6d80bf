"""What a run did not look at, or has to say of a level besides whether it holds: in words, for its result."""

from sqlalchemy import Connection, distinct, func, select

from ledger.core.address import LogId
from ledger.core.errors import LedgerError
from ledger.core.kinds import KindRegistry
from ledger.integrity.doubts import Doubts
from ledger.integrity.kinds import Judged
from ledger.privacy.tables import erased_row
from ledger.store import schema
from ledger.store.position import pos_of


def of_level_2(connection: Connection, log: LogId, incremental: bool) -> str:
    """What level 2 did not look at: what is there no longer, and what an incremental run skips."""
    row = erased_row.c
    first_pos, end = pos_of(log.number, 0), pos_of(log.number + 1, 0)
    gone = select(row.row_pos, row.sort, row.ordinal).where(row.row_pos >= first_pos, row.row_pos < end).distinct()
    count = len(connection.execute(gone).all())
    away = schema.disposed_entry.c.row_pos
    disposed = connection.scalar(select(func.count(distinct(away))).where(away >= first_pos, away < end))
    told = [f"{count} originals and sealed values that were erased, each named by an entry"] if count else []
    told += [f"{disposed} records that were disposed of, each named by an entry"] if disposed else []
    return "; ".join([*told, "full text before this run's start"] if incremental else told)


def of_level_3(judged: Judged | None) -> str:
    """What level 3 did not look at again, because a former run had judged it."""
    if judged is None:
        return ""
    return (
        f"checkpoints before size {judged.checkpoint}, and what the logs said before then of each other, of witnesses "
        "and of time-stamps: an earlier run judged it, a full run does again"
    )


def in_doubt(connection: Connection, kinds: KindRegistry, log: LogId, level: int) -> str:
    """What levels 3 and 4 note of keys that may have been in other hands: no fault, and to be read."""
    try:
        return "; ".join(Doubts(connection, kinds).notes(log, level))
    except LedgerError:
        return ""  # the levels themselves say what is wrong
