"""Projector of verification runs."""

from collections.abc import Iterable

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry
from ledger.core.hashing import unb64
from ledger.core.projector import Projector, Row
from ledger.integrity import tables as t
from ledger.integrity.fault import Fault
from ledger.integrity.kinds import Verdict, Verification
from ledger.store.position import pos_of


class VerificationProjector:
    """One row a run, and one for each log that it verified."""

    name = "verification"
    version = 1
    kinds = frozenset({"verification"})
    tables = (t.verification.name, t.verified_log.name)

    def rows(self, entry: Entry) -> Iterable[Row]:
        run: Verification = entry.body
        pos = pos_of(entry.log, entry.index)
        ran = [level for level in run.levels if level.verdict in (Verdict.HOLDS, Verdict.FAILS)]
        faults = [fault for level in ran for fault in level.faults]
        words = None
        if faults:
            one = faults[0]
            words = str(Fault(log=one.log, index=one.index, table=one.table, column=one.column, what=one.what))
        yield (
            t.verification.name,
            (
                pos,
                int(run.full),
                int(run.holds),
                parse_utc(run.started_at),
                parse_utc(run.ended_at),
                " ".join(str(level.level) for level in ran),
                words,
            ),
        )
        for log in run.logs:
            yield t.verified_log.name, (pos, log.log, log.low, log.size, unb64(log.root, 32))


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return (VerificationProjector(),)
