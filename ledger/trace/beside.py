"""What stands beside signatures in the system log, and goes with them into a package.

Trust anchors that certificates chain to; signatures by hand on printouts of what the package holds; the site's letter
by 21 CFR 11.100(c), in each version that there was.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Table, select

from ledger.core.address import parse_address
from ledger.core.entry import ORIGINAL
from ledger.core.errors import IntegrityError
from ledger.core.hashing import b64, original_commitment
from ledger.core.paper import PrintSort
from ledger.core.vault import Kept
from ledger.people.documents import LETTER
from ledger.people.tables import site_document
from ledger.privacy.tables import erased_row
from ledger.signing.external_tables import trust_anchor
from ledger.signing.paper_tables import paper_signature
from ledger.store.bulk import Bulk
from ledger.store.logs import SYSTEM_LOG
from ledger.store.position import pos_of
from ledger.store.reading import VaultReader


def papers_over(connection: Connection, origin: str) -> dict[int, set[int]]:
    """Entries of a log with a handwritten signature on file, each with the signatures' entries in the system log."""
    row = paper_signature.c
    found: dict[int, set[int]] = {}
    standing = select(row.key, row.address).where(row.log == SYSTEM_LOG, row.to_index.is_(None))
    for key, address in connection.execute(standing.where(row.sort == PrintSort.ENTRY.value)):
        at = parse_address(address)
        if at.origin == origin:
            found.setdefault(at.index, set()).update(_entries(connection, paper_signature, key))
    return found


def papers_on(connection: Connection, signatures: Collection[str]) -> set[int]:
    """The entries of handwritten signatures that stand on prints of these electronic ones (addresses)."""
    row = paper_signature.c
    standing = select(row.key, row.address).where(row.log == SYSTEM_LOG, row.to_index.is_(None))
    keys = [key for key, address in connection.execute(standing.where(row.sort == PrintSort.SIGNATURE.value))
            if address in signatures]  # fmt: skip
    return {index for key in keys for index in _entries(connection, paper_signature, key)}


def vouching(connection: Connection, size: int) -> set[int]:
    """The entries of trust anchors and of the site's letter, below a size of the system log."""
    found = _entries(connection, trust_anchor) | _entries(connection, site_document, LETTER)
    return {index for index in found if index < size}


def file_of(connection: Connection, index: int, commitment: str) -> Kept | None:
    """The file that an entry of the system log commits to; None where it was erased. Raises IntegrityError."""
    kept = VaultReader(connection).original(SYSTEM_LOG, index)
    if kept is None and (ORIGINAL, 0) in erased_of(connection, SYSTEM_LOG, index):
        return None
    if kept is None or b64(original_commitment(kept.salt, kept.value)) != commitment:
        raise IntegrityError(f"the file of entry {index} of the system log is missing or altered")
    return kept


def erased_of(connection: Connection, log: int, index: int) -> set[tuple[str, int]]:
    """What an erasure took of an entry's rows of the vault: sort and ordinal."""
    rows = Bulk(connection).all(f"SELECT sort, ordinal FROM {erased_row.name} WHERE row_pos = ?", (pos_of(log, index),))
    return {(sort, ordinal) for sort, ordinal in rows}


def _entries(connection: Connection, table: Table, key: str | None = None) -> set[int]:
    row = table.c
    wanted = select(row.from_index, row.to_index).where(row.log == SYSTEM_LOG)
    spans = connection.execute(wanted if key is None else wanted.where(row.key == key)).all()
    return {at for span in spans for at in span if at is not None}
