"""The result of a verification run, as an entry of the system log."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest, Name
from ledger.core.times import SafeInt


class Verdict(StrEnum):
    """What a run says of a level."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_RUN = "not-run"
    NOT_BUILT = "not-built"


class FaultFound(msgspec.Struct, frozen=True, kw_only=True):
    """The first bad entry of a log, as `integrity.fault.Fault` has it."""

    log: SafeInt
    index: SafeInt
    table: str
    column: str
    what: str


class LevelVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the run says of one level; `open` names what of it this version does not build, or this run left out."""

    level: SafeInt
    verdict: Verdict
    entries: SafeInt
    micros: SafeInt
    open: str
    faults: tuple[FaultFound, ...]


class LogVerified(msgspec.Struct, frozen=True, kw_only=True):
    """How far a log was verified: its entries from `low` to before `size`, at which its root was `root`."""

    log: SafeInt
    origin: Name
    low: SafeInt
    size: SafeInt
    root: Digest


class Verification(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="verification/1"):
    """A verification run. `full`: from entry 0 of each log; else on from the sizes of an earlier run that held."""

    full: bool
    started_at: str
    ended_at: str
    logs: tuple[LogVerified, ...]
    levels: tuple[LevelVerdict, ...]
    authority: Authority

    @property
    def holds(self) -> bool:
        """Whether every level that was run holds, and one was."""
        return holds(self.levels)


def holds(levels: tuple[LevelVerdict, ...]) -> bool:
    """Whether no level fails and at least one holds."""
    verdicts = {level.verdict for level in levels}
    return Verdict.HOLDS in verdicts and Verdict.FAILS not in verdicts


KINDS = (Kind("verification", [Verification]),)
