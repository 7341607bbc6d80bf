"""The result of a verification run, as an entry of the log that was verified."""

from enum import StrEnum

import msgspec

from ledger.core.authority import Authority
from ledger.core.kinds import Kind
from ledger.core.record import Digest
from ledger.core.times import SafeInt


class Verdict(StrEnum):
    """What a run says of a level."""

    HOLDS = "holds"
    FAILS = "fails"
    NOT_RUN = "not-run"
    NOT_ASSESSABLE = "not-assessable"
    """It was run, and what it needs outside could not be asked: never a pass."""
    NOT_BUILT = "not-built"


class FaultFound(msgspec.Struct, frozen=True, kw_only=True):
    """The first bad entry that a level found, as `integrity.fault.Fault` has it."""

    log: SafeInt
    index: SafeInt
    table: str
    column: str
    what: str


class LevelVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the run says of one level, after so many entries in so many microseconds.

    `open` names what of the level this version does not build, or this run left out.
    """

    level: SafeInt
    verdict: Verdict
    entries: SafeInt
    micros: SafeInt
    open: str
    fault: FaultFound | None


class Verification(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="verification/1"):
    """A verification run over the entries of this log from `low` to before `size`, where its root was `root`.

    `low` is 0 for a full run, else the size at which an earlier run held. `root` is null where level 1 was not run or
    fails. `log` is this log's number, by which faults name it.
    """

    log: SafeInt
    low: SafeInt
    size: SafeInt
    root: Digest | None
    started_at: str
    ended_at: str
    levels: tuple[LevelVerdict, ...]
    authority: Authority

    @property
    def holds(self) -> bool:
        """Whether every level that was run holds, and level 1 was."""
        verdicts = {level.level: level.verdict for level in self.levels}
        return verdicts.get(1) is Verdict.HOLDS and Verdict.FAILS not in verdicts.values()


class SeenLog(msgspec.Struct, frozen=True, kw_only=True):
    """A log as a run of level 3 found it: `size` entries under `root` (base64)."""

    log: SafeInt
    size: SafeInt
    root: Digest


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """How far a run of level 3 that holds has judged (`integrity.judged`).

    `checkpoint`: the largest of the log's own checkpoints up to which all were judged (0: none). `logs`: every log of
    the ledger as it was then, for logs speak of each other. `basis`: digest of what else the judgement rested on.
    """

    checkpoint: SafeInt
    logs: tuple[SeenLog, ...]
    basis: Digest


class Verification2(Verification, frozen=True, kw_only=True, tag_field="schema", tag="verification/2"):
    """A run that says how far it has judged level 3; `judged` is null where that level was not run or does not hold."""

    judged: Judged | None


KINDS = (Kind("verification", [Verification, Verification2]),)
