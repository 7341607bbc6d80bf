"""Level 3: the log is the one that whoever verifies knows from outside, not one that was put in its place."""

from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope


def pinned_fault(scope: Scope) -> Fault | None:
    """A log none of whose keys is one that is known from outside; without any for its origin nothing is judged.

    One is enough: from it the log's own history leads to the others, each by the key before it.
    """
    known = () if scope.outside is None else scope.outside.log_keys(scope.log.origin)
    ours = {str(key) for key in scope.keys.get(scope.log.origin, ())}
    if not known or any(str(key) in ours for key in known):
        return None
    what = "none of the log's keys is the one that is known of it from outside"
    return Fault(log=scope.log.number, index=0, table="body", column="key", what=what)
