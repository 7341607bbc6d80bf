"""What verification found wrong, as precisely as the ledger itself can tell."""

from collections.abc import Iterable

import msgspec


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Entry `index` of log number `log` is the first that does not hold: where it shows, and what is wrong.

    A row that belongs to no single entry is named by the last entry that it covers (checkpoint, intent, head) or the
    first one that differs (tile). `column` is empty where the row as a whole is missing or too many.
    """

    log: int
    index: int
    table: str
    what: str
    column: str = ""

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        return f"entry {self.index} of log {self.log}: {self.what} ({place})"


def first(faults: Iterable[Fault | None]) -> Fault | None:
    """The fault of the earliest entry; None if there is none."""
    found = [fault for fault in faults if fault is not None]
    return min(found, key=lambda fault: (fault.log, fault.index)) if found else None
