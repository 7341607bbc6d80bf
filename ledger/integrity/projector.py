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
    """One row a run."""

    name = "verification"
    version = 1
    kinds = frozenset({"verification"})
    tables = (t.verification.name,)

    def rows(self, entry: Entry) -> Iterable[Row]:
        run: Verification = entry.body
        ran = [level for level in run.levels if level.verdict in (Verdict.HOLDS, Verdict.FAILS)]
        faults = [
            Fault(log=one.log, index=one.index, table=one.table, column=one.column, what=one.what)
            for one in (level.fault for level in ran)
            if one is not None
        ]
        yield (
            t.verification.name,
            (
                pos_of(entry.log, entry.index),
                run.low,
                run.size,
                None if run.root is None else unb64(run.root, 32),
                int(run.holds),
                parse_utc(run.started_at),
                parse_utc(run.ended_at),
                " ".join(str(level.level) for level in ran),
                str(faults[0]) if faults else None,
            ),
        )


def projectors(_dialect: str) -> tuple[Projector, ...]:
    """All projectors of this domain."""
    return (VerificationProjector(),)
