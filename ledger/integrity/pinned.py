"""Level 3: the log is the one that whoever verifies knows from outside, not one that was put in its place."""

from ledger.integrity.fault import Fault
from ledger.integrity.scope import Scope
from ledger.store.reading import LogReader


def pinned_fault(scope: Scope) -> Fault | None:
    """A log none of whose keys is one that is known from outside; without any for its origin nothing is judged.

    One is enough: from it the log's own history leads to the others, each by the key before it.
    """
    policy = scope.outside.policy
    known = () if policy is None else policy.log_keys(scope.log.origin)
    ours = {str(key) for key in scope.keys.get(scope.log.origin, ())}
    if not known or any(str(key) in ours for key in known):
        return None
    what = "none of the log's keys is the one that is known of it from outside"
    return Fault(log=scope.log.number, index=0, table="body", column="key", what=what)


def cards_fault(scope: Scope) -> Fault | None:
    """A log that has another root than a checkpoint card says at its size; named is the last entry that it covers.

    A log that is shorter than a card is rolled back: level 5 says so.
    """
    cards = scope.outside.cards_of(scope.log.origin)
    if not cards:
        return None
    reader = LogReader(scope.connection, scope.log.number)
    size = reader.head().size
    for card in cards:
        if card.size <= size and reader.root(card.size) != card.root:
            what = f"the log has another root at size {card.size} than its checkpoint card says"
            return Fault(log=scope.log.number, index=card.size - 1, table="tile", what=what)
        scope.pulse(1)
    return None
