"""Checkpoint cards beside a package: one of its own checkpoint says whose it is, any other says nothing of it.

A package has no tiles: whether its log had a card's root at another size, only the ledger or its tiles can tell.
"""

from collections.abc import Sequence

from ledger.core.card import Card
from ledger.core.checkpoint import Checkpoint
from ledger.core.hashing import b64
from reports import layout
from reports.checks import Problems
from reports.verdict import Check, Outcome


def cards_beside(head: Checkpoint, cards: Sequence[Card], problems: Problems) -> tuple[bool, list[Check]]:
    """Whether one of the cards is of this very checkpoint, and what is said of each; a wrong root is a problem."""
    found, checks = False, []
    for card in cards:
        name = f"Card of size {card.size}"
        if card.origin == head.origin and card.size == head.size:
            same = card.root == head.root
            found = found or same
            if not same:
                problems.add(layout.CHECKPOINT, f"has another root than the card says: {b64(card.root)}")
            says = f"{'the same' if same else 'another'} root as the package's checkpoint at that size"
            outcome = Outcome.HOLDS if same else Outcome.FAILS
            checks.append(
                Check(name=name, outcome=outcome, says=says, not_proven="whose hand signed the card: see the paper")
            )
            continue
        its = f"of log {card.origin}" if card.origin != head.origin else f"of size {card.size}"
        checks.append(
            Check(
                name=name,
                outcome=Outcome.UNKNOWN,
                says=f"the card is {its}, the package of {head.origin} at size {head.size}: a card of the package's "
                "checkpoint is needed to compare, or the ledger or its tiles (trailseal verify --ledger, --tiles)",
            )
        )
    return found, checks
