"""Which witnesses a ledger asks for, since when, and what they said of its checkpoints: entries of the system log.

A policy is a C2SP tlog-policy text (witnesses, groups, quorum). The next one comes into force only once a checkpoint of
the system log that covers it met the one before: who holds database and key cannot drop the witnesses by an entry.
"""

from enum import StrEnum
from typing import Final

import msgspec

from ledger.core.authority import Authority
from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import ConfigError, IntegrityError
from ledger.core.note import Verifier
from ledger.core.policy import NO_QUORUM, Policy
from ledger.core.record import Digest, Name, Text
from ledger.core.times import SafeInt


class WitnessRole(StrEnum):
    """Whose witness it is."""

    QA = "qa"
    IT = "it"
    CUSTOMER = "customer"
    OTHER = "other"


class RunBy(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs a log or a witness, and where; `identity_provider`: by which its administrators sign in, if by any."""

    operator: Text
    administrator: Text
    host: Text
    identity_provider: Text = ""


class WitnessAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a witness independent of the log, or not. `witness`: its name in the policy."""

    witness: Name
    role: WitnessRole
    run_by: RunBy


class WitnessPolicyEntry(msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="witness-policy/1"):
    """A policy for all logs of the ledger: `policy` in the words of C2SP tlog-policy, without `log` lines.

    `log` says who runs the log itself, to be held against `about`, which tells of every witness of the policy.
    """

    policy: Text
    log: RunBy
    about: tuple[WitnessAbout, ...]
    reason: Text
    authority: Authority


class Quorum(StrEnum):
    """What a checkpoint's cosignatures are against the policy that was in force."""

    NONE = "none"
    """The policy asks for no witness: the checkpoint counts as not witnessed."""
    MET = "met"
    MISSING = "missing"


class CheckpointWitnessedEntry(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="schema", tag="checkpoint-witnessed/1"
):
    """What witnesses said of a checkpoint: complete signature lines, in the order they came.

    `policy`: the entry whose policy was in force (null: none yet); `state`: what all lines that the checkpoint had then
    are against it; `missing`: what the quorum lacks, in words.
    """

    origin: Name
    size: SafeInt
    root: Digest
    lines: tuple[str, ...]
    policy: SafeInt | None
    state: Quorum
    missing: Text
    authority: Authority


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """A policy and the entry that brought it; `entry` None: none was ever set, and no witness is asked for."""

    entry: int | None
    policy: Policy
    log: RunBy | None = None
    about: tuple[WitnessAbout, ...] = ()

    @property
    def witnesses(self) -> tuple[Verifier, ...]:
        """The keys of all witnesses that the policy names."""
        return tuple(one.key for one in self.policy.witnesses.values())

    def shared(self) -> tuple[str, ...]:
        """What log and witnesses have in common and should not: administrator, operator, host, identity provider."""
        if self.log is None:
            return ()
        return tuple(
            f"{one.witness}: {part.replace('_', ' ')} {getattr(one.run_by, part)}"
            for one in self.about
            for part in RunBy.__struct_fields__
            if _same(getattr(self.log, part), getattr(one.run_by, part))
        )


_NOTHING: Final = InForce(entry=None, policy=Policy.of_log_keys(()))


class WitnessPolicies:
    """The policies of a system log from its entries in order; what does not hold is raised, not taken in."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._known: list[InForce] = [_NOTHING]
        self._at = 0

    @property
    def in_force(self) -> InForce:
        """The policy by which the next checkpoint is judged."""
        return self._known[self._at]

    @property
    def pending(self) -> tuple[InForce, ...]:
        """Policies that were entered and are not in force yet, in order."""
        return tuple(self._known[self._at + 1 :])

    @property
    def all(self) -> tuple[InForce, ...]:
        """Every policy that ever was entered, with the beginning, when there was none."""
        return tuple(self._known)

    def asked(self) -> tuple[Verifier, ...]:
        """The keys of everybody whose word counts now: of the policy in force and of those that wait."""
        found = {str(key): key for one in (self.in_force, *self.pending) for key in one.witnesses}
        return tuple(found.values())

    def enter(self, index: int, body: msgspec.Struct) -> None:
        """Takes the next entry; raises IntegrityError for a policy that none can be.

        Of cosignatures it takes what they say: `judge` holds them against their checkpoint.
        """
        if isinstance(body, WitnessPolicyEntry):
            self._known.append(policy_of(index, body))
        elif isinstance(body, CheckpointWitnessedEntry):
            if body.policy != self.in_force.entry:
                raise IntegrityError(f"it judges by policy {body.policy}, which was not the one in force")
            self._proceed(body)

    def judge(self, note: bytes, log_keys: tuple[Verifier, ...], origin: str) -> tuple[Quorum, str]:
        """What the policy in force says of a checkpoint with cosignature lines; raises as `open_checkpoint` does."""
        policy = self.in_force.policy
        signed = open_checkpoint(note, origin, log_keys, witnesses=self.asked())
        if policy.quorum == NO_QUORUM:
            return Quorum.NONE, ""
        missing = policy.missing(signed)
        return (Quorum.MET, "") if missing is None else (Quorum.MISSING, missing)

    def _proceed(self, one: CheckpointWitnessedEntry) -> None:
        """The first policy that waits comes into force by a checkpoint that covers it and met the one before."""
        if not self.pending or one.origin != self._origin or one.state is Quorum.MISSING:
            return
        entry = self.pending[0].entry
        assert entry is not None
        if one.size > entry:
            self._at += 1


def policy_of(index: int, body: WitnessPolicyEntry) -> InForce:
    """The policy that an entry brings; raises IntegrityError where it is none, or says too little of its witnesses."""
    try:
        policy = Policy.parse(body.policy)
    except ConfigError as error:
        raise IntegrityError(error.message) from error
    if policy.logs:
        raise IntegrityError("the policy of a ledger names witnesses alone: its logs' keys stand in the logs")
    if {one.witness for one in body.about} != set(policy.witnesses) or len(body.about) != len(policy.witnesses):
        raise IntegrityError("it does not say who runs each of the policy's witnesses")
    return InForce(entry=index, policy=policy, log=body.log, about=body.about)


def _same(mine: str, theirs: str) -> bool:
    return bool(mine) and mine.casefold().split() == theirs.casefold().split()
