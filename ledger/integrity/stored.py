"""A checkpoint that an entry names, as it is stored: missing or not as its log signed it, it is the one at fault."""

from collections.abc import Sequence

from sqlalchemy import Connection

from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.note import Verifier
from ledger.integrity.fault import Fault
from ledger.store.bulk import Bulk


class CheckpointWrong(IntegrityError):
    """The stored checkpoint does not hold; what rests on it says nothing of itself by that."""

    def __init__(self, log: int, size: int, what: str) -> None:
        super().__init__(what)
        self.fault = Fault(log=log, index=max(0, size - 1), table="checkpoint", column="note", what=what)


def signed_note(
    connection: Connection, log: int, origin: str, keys: Sequence[Verifier], size: int, named_by: tuple[int, int]
) -> bytes:
    """The note that is stored for a size of a log, which an entry (log, index) names.

    Raises CheckpointWrong, which names the last entry that it covers, where none is stored, or not one of that size
    signed by one of the log's keys.
    """
    rows = Bulk(connection).all("SELECT note FROM checkpoint WHERE log = ? AND size = ?", (log, size))
    if not rows:
        by, index = named_by
        what = f"the checkpoint of size {size} of {origin}, which entry {index} of log {by} names, is missing"
        raise CheckpointWrong(log, size, what)
    note = bytes(rows[0][0])
    try:
        found = open_checkpoint(note, origin, keys).checkpoint.size
    except LedgerError as error:
        raise CheckpointWrong(log, size, error.message) from None
    if found != size:
        raise CheckpointWrong(log, size, f"the row of size {size} holds the checkpoint of size {found}")
    return note
