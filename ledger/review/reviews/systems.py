"""Which of the systems that have to contribute to a batch did."""

from collections.abc import Mapping

from sqlalchemy import Connection

from ledger.core.kinds import KindRegistry
from ledger.core.review import ContributingList, SystemSaid, SystemState
from ledger.sources.systems import KnownSystem, Standing, systems_of


def contributed(
    connection: Connection,
    kinds: KindRegistry,
    log: int,
    size: int,
    wanted: ContributingList,
    counts: Mapping[str, int],
    reasons: Mapping[str, str],
) -> tuple[SystemSaid, ...]:
    """Each listed system in the order of the list. `counts`: how many records of the batch are of which source;
    `reasons`: what a reviewer gave for systems that are silent or not connected.
    """
    known = {one.listed.system: one for one in systems_of(connection, kinds, log, size)}
    return tuple(_said(name, known.get(name), counts, reasons) for name in wanted.systems)


def _said(name: str, found: KnownSystem | None, counts: Mapping[str, int], reasons: Mapping[str, str]) -> SystemSaid:
    if found is None or found.standing is not Standing.CONNECTED or found.listed.source is None:
        elsewhere = None if found is None else found.listed.reviewed
        return SystemSaid(
            system=name,
            source=None,
            state=SystemState.NOT_CONNECTED,
            records=0,
            instead=reasons.get(name, elsewhere),
        )
    records = counts.get(found.listed.source, 0)
    return SystemSaid(
        system=name,
        source=found.listed.source,
        state=SystemState.CONTRIBUTED if records else SystemState.SILENT,
        records=records,
        instead=None if records else reasons.get(name),
    )
