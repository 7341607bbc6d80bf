"""Level 3: a log's new key counts for witnesses too: they saw it come while the old one still signed.

Where witnesses were asked for, a checkpoint that holds the rotation met their quorum before the old key was revoked; so
a thief of the old key, and of the promised one, cannot hand the log on unseen. Witnesses may cosign an older checkpoint
later, so a rotation that was judged is judged again where they were asked since about one from before the revocation.
"""

from sqlalchemy import select

from ledger.core.witness_policy import Quorum
from ledger.integrity.fault import Fault
from ledger.integrity.key_events import read_history
from ledger.integrity.scope import Scope
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.trust.witness_tables import witnessed


def rotated_fault(scope: Scope) -> Fault | None:
    """The first rotation of a log that no quorum saw in time."""
    found = read_history(scope.connection, scope.log.number, scope.kinds)
    if found is None:
        return None
    for key in found.history.keys:
        if key.replaced is None or key.revoked is None or not _concerns(scope, key.revoked):
            continue
        row = witnessed.c
        query = select(row.size, row.state).where(row.origin == scope.log.origin, row.size <= key.revoked)
        seen = [(size, Quorum(state)) for size, state in scope.connection.execute(query)]
        asked = any(state is not Quorum.NONE for _, state in seen)
        if asked and not any(state is Quorum.MET and size > key.replaced for size, state in seen):
            what = "the key that was put in place here met no quorum of witnesses before the one before it was revoked"
            return Fault(log=scope.log.number, index=key.replaced, table="body", column="event", what=what)
    return None


def _concerns(scope: Scope, revoked: int) -> bool:
    """Whether a rotation has to be judged: the revocation is new, or what witnesses said of checkpoints before it."""
    if scope.since is None or revoked >= scope.first(scope.log.number):
        return True
    row = witnessed.c
    said = select(row.size).where(
        row.pos >= pos_of(SYSTEM_LOG, scope.first(SYSTEM_LOG)), row.origin == scope.log.origin
    )
    return any(size <= revoked for size in scope.connection.scalars(said))
