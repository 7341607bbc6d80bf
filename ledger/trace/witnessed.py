"""What witnesses said of the checkpoint that evidence stands on, and how independent of the log they are said to be."""

import msgspec
from sqlalchemy import Connection

from ledger.core.kinds import KindRegistry
from ledger.core.note import parse_note
from ledger.core.policy import NO_QUORUM
from ledger.core.witness_policy import Quorum
from ledger.trust.witness_reading import of_checkpoint, read_policies


class WitnessedBy(msgspec.Struct, frozen=True, kw_only=True):
    """The names on the checkpoint besides the log's, its quorum (None: no witness is asked for) and what that lacks.

    `shared`: what log and witnesses have in common, as the policy's entry tells.
    """

    names: tuple[str, ...]
    quorum: Quorum | None
    missing: str
    shared: tuple[str, ...]


def witnessed_by(connection: Connection, kinds: KindRegistry, origin: str, size: int, note: bytes) -> WitnessedBy:
    """What is known of the checkpoint of a log now; whether the lines verify, a policy from outside decides."""
    policy = read_policies(connection, kinds).in_force
    said = of_checkpoint(connection, origin, size)
    names = tuple(dict.fromkeys(line.name for line in parse_note(note).signatures if line.name != origin))
    quorum = None if policy.policy.quorum == NO_QUORUM else Quorum.MISSING if said is None else said[0]
    return WitnessedBy(names=names, quorum=quorum, missing="" if said is None else said[1], shared=policy.shared())
