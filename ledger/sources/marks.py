"""Where its source stood when a record was collected: what marks the records of one that is to be validated anew.

Nothing stands in the record itself: it follows from the entries about the source's life and the runs.
"""

from sqlalchemy import Connection, or_, select

from ledger.core.record import RecordBody
from ledger.sources import tables
from ledger.sources.life_kinds import LifeEvent, LifeState
from ledger.store.position import index_of, pos_of


def state_when_collected(connection: Connection, log: int, index: int, body: object) -> LifeState | None:
    """Where the source of the record at `index` stood when it was collected; None for what is no record.

    The run that noticed a change of the source stands behind its records, and the entry about the change behind the
    run: those records were collected from the changed source, too.
    """
    if not isinstance(body, RecordBody):
        return None
    source = body.record.source
    life, run = tables.source_life.c, tables.collection_run.c
    state = connection.scalar(
        select(life.state).where(
            life.log == log,
            life.key == source,
            life.from_index <= index,
            or_(life.to_index.is_(None), life.to_index > index),
        )
    )
    if state != LifeState.REVALIDATE:
        place = connection.scalar(
            select(run.pos)
            .where(run.source == source, run.pos > pos_of(log, index), run.pos < pos_of(log + 1, 0))
            .order_by(run.pos)
            .limit(1)
        )
        noticed = (
            None
            if place is None
            else connection.scalar(
                select(life.state).where(
                    life.log == log,
                    life.key == source,
                    life.from_index == index_of(place) + 1,
                    life.event == LifeEvent.CHANGED.value,
                )
            )
        )
        state = noticed or state
    return LifeState.CONNECTED if state is None else LifeState(state)
