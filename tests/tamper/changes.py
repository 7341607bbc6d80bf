"""Changes of configuration in the ledger that is attacked: some wait, some were refused, some are withdrawn."""

from ledger.changes.proposing import event_of
from ledger.core.change import MEDIA_TYPE, ChangeEntry, ChangeEvent
from ledger.core.entry import draft
from ledger.core.record import Original
from ledger.sources.prepare import keep_original
from tests.support.ledgers import AUTHORITY, RECORDS, Ledger


def changes(ledger: Ledger, number: int) -> None:
    """Two of this round; their lines stand in the vault."""
    for name, events in (("waits", (ChangeEvent.REFUSED,)), ("ends", (ChangeEvent.WITHDRAWN,))):
        lines = b'{"schema":"parameter/1"}\n' * (number + 1)
        ref, item = keep_original(Original(data=lines, media_type=MEDIA_TYPE, parser="test", parser_version="1"))
        entry = ChangeEntry(
            change=f"{name}-{number}",
            event=ChangeEvent.PROPOSED,
            request=f"CR-{number}",
            kinds=("parameter",),
            count=number + 1,
            reason=f"round {number}",
            authority=AUTHORITY,
            original=ref,
        )
        ledger.store.append_one(RECORDS, draft(entry, (item,)))
        for event in events:
            ledger.store.append_one(RECORDS, draft(event_of(entry, event, "not so", AUTHORITY)))
