"""From where the site lets people sign, and vouch for keys: its rules at the moment of the entry (21 CFR 11.10(h))."""

from ledger.core.errors import AccessDenied, Conflict
from ledger.people.credentials import at_terminal
from ledger.people.places import PLACING, SIGN, held
from ledger.people.profile import said_profile
from ledger.store.append import Transaction
from ledger.store.store import Store


def require_place(store: Store, transaction: Transaction, network: str | None, terminal: str | None) -> None:
    """Under the head lock, for an entry that will say this network and terminal; level 2 judges alike.

    Raises AccessDenied where the rules forbid it, Conflict where the same group commit changes them before this.
    """
    connection, scratch = transaction.connection, transaction.scratch
    if any(scratch.get(("profile", item)) for item in PLACING) or scratch.get(("terminal", terminal)):
        raise Conflict("the rules of places were changed meanwhile", advice="Sign once more.")
    profile = said_profile(store, connection)
    at, due_us = at_terminal(store, connection, terminal, profile.terminal_test_days)
    # The clock can lag behind the moment that the entry will say, by which level 2 judges.
    over = at is None or (due_us is not None and due_us <= transaction.logged_us)
    if not held(profile.places, SIGN, network, None if over else terminal):
        raise AccessDenied(
            "the site does not let this be signed from there",
            advice="Sign from a network, or at a terminal, that the site's profile names for it.",
        )
