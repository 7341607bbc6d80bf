"""What witnesses said of a log's newest checkpoint, and what nobody outside could tell yet."""

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import MICROSECONDS
from ledger.core.errors import LedgerError
from ledger.core.policy import NO_QUORUM
from ledger.core.witness_policy import Quorum
from ledger.present.inert import inert
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, duration, moment
from ledger.store.checkpoints import StoredCheckpoint
from ledger.trust.exposure import exposure
from ledger.trust.witness_reading import of_checkpoint, read_policies, times
from ledger.web.views.common import Scope


class Cosigner(msgspec.Struct, frozen=True, kw_only=True):
    """A witness whose line verifies, and the time that it claims."""

    name: str
    at: Moment


class Witnessed(msgspec.Struct, frozen=True, kw_only=True):
    """The quorum of one checkpoint, and the window that is open since the last one that had it.

    `shared`: what log and witnesses have in common that makes them less independent.
    """

    state: State
    sentence: str
    cosigners: tuple[Cosigner, ...]
    window: str
    shared: tuple[str, ...]


def witnessed_view(
    scope: Scope, connection: Connection, log: LogId, stored: StoredCheckpoint | None, now_us: int
) -> Witnessed:
    """Reads it; what cannot be read is said, not raised."""
    try:
        policies = read_policies(connection, scope.kinds)
        policy = policies.in_force
        seen = exposure(connection, log, policy)
        said = None if stored is None else of_checkpoint(connection, log.origin, stored.size)
        found = () if stored is None else tuple(times(stored, policies.asked()))
    except LedgerError as error:
        return Witnessed(state=State.FAILS, sentence=inert(error.message), cosigners=(), window="", shared=())
    window = ""
    if policy.policy.quorum != NO_QUORUM and seen.entries:
        window = message("witnessed.window", entries=seen.entries, since=duration(seen.window_us(now_us)))
    state, sentence = _said(policy.policy.quorum, said)
    return Witnessed(
        state=state,
        sentence=sentence,
        cosigners=tuple(Cosigner(name=inert(name), at=moment(at * MICROSECONDS, scope.zone)) for name, at in found),
        window=window,
        shared=tuple(message("witnessed.shared", what=inert(one)) for one in policy.shared()),
    )


def _said(quorum: str, said: tuple[Quorum, str] | None) -> tuple[State, str]:
    if said is None or said[0] is Quorum.NONE:
        key = "witnessed.nobody" if quorum == NO_QUORUM else "witnessed.not-yet"
        return State.UNKNOWN, message(key)
    if said[0] is Quorum.MET:
        return State.HOLDS, message("witnessed.met")
    return State.FAILS, message("witnessed.missing", missing=inert(said[1]))
