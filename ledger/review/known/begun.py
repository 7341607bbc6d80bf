"""Since when the time of sources is known, where that became earlier."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from ledger.sources.tables import collection_run
from ledger.store.position import pos_of


def begun_earlier(connection: Connection, log: int, low: int, size: int) -> Iterator[int]:
    """From when on (microseconds UTC) entries from `low` to before `size` make the time of a source known that was not.

    Before its first run began nothing is known of a source: what was judged without it may be said otherwise.
    """
    run = collection_run.c
    first = select(run.source, func.min(run.started_us)).where(run.pos.between(pos_of(log, low), pos_of(log, size) - 1))
    for source, began in connection.execute(first.group_by(run.source)).all():
        known = run.source == source, run.pos.between(pos_of(log, 0), pos_of(log, low) - 1), run.started_us <= began
        if connection.scalar(select(run.pos).where(*known).limit(1)) is None:
            yield began
