"""Resets in the ledger that is attacked: some wait, one was withdrawn."""

import msgspec

from ledger.core.clock import utc_text
from ledger.core.entry import draft
from ledger.people.reset_kinds import ResetEntry, ResetEvent
from ledger.store.logs import SYSTEM_LOG
from tests.support.ledgers import AUTHORITY, START_US, Ledger


def resets(ledger: Ledger, number: int) -> None:
    """A reset of this round; the first is withdrawn, and closes its row."""
    asked = ResetEntry(
        reset=f"reset-{number}",
        account=f"reviewer{number}",
        event=ResetEvent.ASKED,
        password=bool(number % 2),
        lapses_at=utc_text(START_US * 2 + number),
        reason="the phone was lost",
        authority=AUTHORITY,
    )
    ledger.store.append_one(SYSTEM_LOG, draft(asked))
    if number == 0:
        ledger.store.append_one(SYSTEM_LOG, draft(msgspec.structs.replace(asked, event=ResetEvent.WITHDRAWN)))
