"""Terminals in the ledger that is attacked: some are in use, one was tested again, one was retired."""

import msgspec

from ledger.core.entry import draft
from ledger.people.terminal_kinds import TerminalEntry, TerminalEvent
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, Ledger


def terminals(ledger: Ledger, number: int) -> None:
    """A terminal of this round; the first is tested again, the second retired."""
    made = TerminalEntry(
        terminal=f"{number:016x}",
        event=TerminalEvent.ENROLLED,
        title=f"terminal {number}",
        how="keyboard and screen",
        reason="set up",
        authority=AUTHORITY,
    )
    ledger.store.append_one(SYSTEM_LOG, draft(made))
    if number < 2:
        event = (TerminalEvent.TESTED, TerminalEvent.RETIRED)[number]
        ledger.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(made, event=event)))
