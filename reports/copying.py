"""Takes letters and scans along into a package: each as its entry commits to it, and a line that tells of each."""

from collections.abc import Callable
from hashlib import sha256

from ledger.core.address import Address
from ledger.core.hashing import b64
from ledger.trace.evidence import EvidenceSet
from reports import layout
from reports.dataset import ShownCopy, Tally
from reports.lines import CopyLine, CopyState, encode_line


def write_copies(
    evidence: EvidenceSet,
    tally: Tally,
    system: str,
    put: Callable[[str, bytes], None],
    tell: Callable[[bytes], object],
) -> list[ShownCopy]:
    """Puts each file into the package, and tells of each, there or not; raises IntegrityError for one that is altered.

    The scan of a print of a record of which values are withheld, or erased, is withheld too: the print shows them.
    """
    shown: list[ShownCopy] = []
    room = layout.MAX_COPIES
    for index, filed in tally.files().items():
        kept = evidence.copy(index, filed.original.commitment)
        state = CopyState.ERASED if kept is None else CopyState.INCLUDED if room else CopyState.LEFT_OUT
        if filed.printed in tally.hidden:
            state = CopyState.WITHHELD
        file = salt = digest = None
        if kept is not None and state is CopyState.INCLUDED:
            room -= 1
            file, salt = layout.copy(index, filed.original.media_type), b64(kept.salt)
            digest = sha256(kept.value).hexdigest()
            put(file, kept.value)
        tell(encode_line(CopyLine(index=index, state=state, salt=salt, file=file)))
        entry = str(Address(system, index))
        shown.append(ShownCopy(filed=filed, entry=entry, state=state, file=file, sha256=digest))
    return shown
