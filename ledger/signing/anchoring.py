"""What a signature made elsewhere is held against here: anchors and binding as the log has them, under a checkpoint.

Unlike a secret, a signature that is brought back cannot be guessed: what is wrong with it is told.
"""

from typing import Final

from sqlalchemy import Connection

from ledger.core.errors import Conflict, NotSignatory, SignatureInvalid
from ledger.core.external import Certified, require_valid_at
from ledger.core.key_history import KeyHistory
from ledger.core.signature import SignatureEntry
from ledger.store import checkpoints
from ledger.store.append import Transaction
from ledger.store.logs import SYSTEM_LOG

CHANGED: Final = "trust-anchors"
"""In a transaction's scratch, where the anchors are changed by the same group commit."""


def require_anchors_still(transaction: Transaction) -> None:
    """Raises Conflict where this group commit changes the trust anchors: no table shows that yet."""
    if transaction.scratch.get(CHANGED):
        raise Conflict("the trust anchors were changed at the same moment", advice="Look at them, and try again.")


def require_external(connection: Connection, history: KeyHistory, entry: SignatureEntry, index: int) -> Certified:
    """What a signature made elsewhere proves, were it entered at `index`; raises NotSignatory, saying what is wrong."""
    try:
        found = history.verify(entry, index)
        assert isinstance(found, Certified)
    except SignatureInvalid as error:
        raise NotSignatory(
            f"the signature that was brought does not hold: {error.message}",
            advice="Sign exactly the bytes that were given out, with the certificate that is bound to you.",
        ) from None
    anchored = history.anchored(found, index)
    if checkpoints.covering(connection, SYSTEM_LOG, anchored) is None:
        raise NotSignatory("no checkpoint covers the trust anchor yet", advice="Wait for the next one.")
    return found


def require_valid(certified: Certified, now_us: int) -> None:
    """Raises NotSignatory where a certificate of the chain is out of date by now."""
    try:
        require_valid_at(certified, now_us)
    except SignatureInvalid as error:
        raise NotSignatory(error.message, advice="Sign with a certificate that is in date.") from None
