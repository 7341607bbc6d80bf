"""What the operating system says of a disk, as an error that names the thing and what to do."""

import errno
from pathlib import Path
from typing import Final

from ledger.core.errors import StorageDamaged, StorageFull, StorageReadOnly, StorageTrouble

_KINDS: Final[dict[int | None, type[StorageTrouble]]] = {
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EROFS: StorageReadOnly,
}
_SAYS: Final[dict[type[StorageTrouble], str]] = {
    StorageFull: "the disk of {what} is full",
    StorageReadOnly: "{what} can be read, but not written to",
    StorageDamaged: "the files of {what} are damaged",
}


def trouble_with(kind: type[StorageTrouble], what: str) -> StorageTrouble:
    """The error of that kind that names the thing."""
    return kind(_SAYS[kind].format(what=what))


def disk_trouble(error: OSError) -> StorageTrouble | None:
    """The trouble with a disk that is behind an error; None where it has another cause. Names no folder."""
    kind = _KINDS.get(error.errno)
    if kind is None:
        return None
    name = Path(error.filename).name if isinstance(error.filename, str) else ""
    return trouble_with(kind, f"the ledger's file {name}" if name else "a file of the ledger")
