"""What tests enter by hand."""

from typing import Any, Final

from ledger.core.record import Action, Change, Target
from ledger.core.source import BY_HAND, SourceConfig
from ledger.sources.hand_kinds import HandPaper, HandSort
from ledger.sources.hands import NewHand
from tests.support.ledgers import AUTHORITY, START_US, source_time

PAPER: Final = "paper"
"""The source of what tests enter by hand."""
WHY: Final = "the room has no system that records its cleaning"
SCAN: Final = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n"
LOGBOOK: Final = HandPaper(id="LB-114", title="Logbook of room 3", place="archive A", page="12")


def register(records: Any) -> None:
    """Registers the source of a record log."""
    records.sources.register(SourceConfig(id=PAPER, type=BY_HAND, title="Entered by hand"), AUTHORITY)


def seen(**members: Any) -> NewHand:
    """An observation; `members` replace its usual ones."""
    usual: dict[str, Any] = {
        "sort": HandSort.OBSERVATION,
        "object": Target(type="room", id="R-3"),
        "action": Action.EXECUTE,
        "occurred_at": source_time(START_US),
        "changes": (Change(attribute="state", new="clean"),),
        "reason": WHY,
    }
    return NewHand(**(usual | members))
