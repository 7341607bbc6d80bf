"""What happened to a log's keys, with all that leads a verifier from an old key to the one that signs now."""

from collections.abc import Iterator

import msgspec
from sqlalchemy import or_, select

from ledger.core.errors import IntegrityError, NotFound
from ledger.core.key_events import KeyEvent1, KeyEventSort, KeyPurpose
from ledger.core.kinds import KindRegistry
from ledger.core.log_keys import IN_DOUBT
from ledger.store import checkpoints
from ledger.store.position import index_of, pos_of
from ledger.trace.proven import ProvenEntry, ProvenLog
from ledger.trust.tables import key_event


class ProvenKeyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A key event, proven. Of a rotation: `note`, the first checkpoint that holds it, and the proof (`consistency`)
    that the latest one continues it.
    """

    entry: ProvenEntry
    note: bytes | None = None
    consistency: tuple[bytes, ...] = ()


def key_life(log: ProvenLog, kinds: KindRegistry) -> Iterator[ProvenKeyEvent]:
    """The key events of a log about its own key, and those by which any key of it is in doubt, in their order."""
    row = key_event.c
    wanted = select(row.pos).where(row.pos >= pos_of(log.log, 0), row.pos < pos_of(log.log, log.size))
    about = or_(row.purpose == KeyPurpose.LOG.value, row.event.in_([one.value for one in IN_DOUBT]))
    for pos in log.connection.scalars(wanted.where(about).order_by(row.pos)).all():
        entry = log.entry(index_of(pos))
        event = kinds[entry.kind].decode(entry.body)
        if not isinstance(event, KeyEvent1):
            raise IntegrityError(f"the table of key events names entry {entry.index}, but its body says otherwise")
        if event.purpose is not KeyPurpose.LOG or event.event is not KeyEventSort.ROTATED:
            yield ProvenKeyEvent(entry=entry)
            continue
        first = checkpoints.covering(log.connection, log.log, entry.index)
        if first is None or first.size > log.size:
            raise IntegrityError(f"no checkpoint holds the rotation of entry {entry.index}")
        consistency = tuple(log.reader.consistency(first.size, log.size))
        yield ProvenKeyEvent(entry=entry, note=first.note, consistency=consistency)


def report_key(log: ProvenLog, kinds: KindRegistry) -> tuple[str, ProvenEntry]:
    """The report key in force and the entry that vouches for it; raises NotFound where there is none."""
    row = key_event.c
    wanted = select(row.pos).where(row.pos >= pos_of(log.log, 0), row.pos < pos_of(log.log, log.size))
    of_reports = row.purpose == KeyPurpose.REPORT.value
    retired: set[str] = set()
    for pos in log.connection.scalars(wanted.where(of_reports).order_by(row.pos.desc())).all():
        entry = log.entry(index_of(pos))
        event = kinds[entry.kind].decode(entry.body)
        if not isinstance(event, KeyEvent1) or event.purpose is not KeyPurpose.REPORT:
            raise IntegrityError(f"the table of key events names entry {entry.index}, but its body says otherwise")
        if event.event is KeyEventSort.RETIRED:
            retired.add(event.key)
        elif event.event is KeyEventSort.CREATED and event.key not in retired:
            return event.key, entry
    raise NotFound(
        f"log {log.origin} has no report key under its latest checkpoint",
        advice="Publish a checkpoint (`trailseal serve` does); a log gets its report key when it is created.",
    )
