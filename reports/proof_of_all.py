"""One proof of all records of a package, where there are many: `records.multi-proof`.

After a line for its form, one for the size of the tree and one for the number of records, it has a line a hash
(base64): with the leaf hashes of the records, these lead to the root of the checkpoint (`ledger.core.multi_proof`).
"""

from collections.abc import Iterator
from itertools import islice
from typing import IO, Final

from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import LedgerError, ProofInvalid
from ledger.core.hashing import HASH_SIZE, b64, unb64
from ledger.core.multi_proof import MultiProof, MultiProofMaker
from reports import layout
from reports.checks import Problems
from reports.lines import RecordLine

MAX_LINE: Final = 100
"""Bytes of the longest line."""
_FORM: Final = "trailseal-multi-proof/1"


class ProofOfAll:
    """Writes it, as the records go by."""

    def __init__(self, file: IO[bytes], size: int, records: int) -> None:
        file.write(_head(size, records))
        self._maker = MultiProofMaker(size, lambda found: _put(file, found))

    def record(self, line: RecordLine, leaf_hash: bytes) -> None:
        """Takes a record, in the order of the log; raises ProofInvalid."""
        self._maker.leaf(line.index, leaf_hash, [unb64(item, HASH_SIZE) for item in line.proof])

    def finish(self) -> None:
        """Writes what is left, once all records were taken; raises ProofInvalid."""
        self._maker.root()


class ProofOfAllCheck:
    """Holds it against the records as they go by; what is wrong is noted once."""

    def __init__(self, lines: Iterator[bytes], head: Checkpoint, records: int, problems: Problems) -> None:
        """`lines` of the file, without their LF; `records`: how many the package says that it has."""
        self._lines, self._head, self._records = lines, head, records
        self._problems = problems
        self._proof = MultiProof(head.size, self._hashes())
        self._good = True

    def record(self, index: int, leaf_hash: bytes) -> None:
        """Takes a record of the package."""
        if self._good:
            try:
                self._proof.leaf(index, leaf_hash)
            except LedgerError as error:
                self._wrong(str(error))

    def finish(self) -> None:
        """Compares the root, once all records were taken."""
        if self._good:
            try:
                if self._proof.root() != self._head.root:
                    raise ProofInvalid("does not lead from the records to the root of the checkpoint")
            except LedgerError as error:
                self._wrong(str(error))

    def _wrong(self, what: str) -> None:
        self._good = False
        self._problems.add(layout.PROOF_OF_ALL, what)

    def _hashes(self) -> Iterator[bytes]:
        head = b"".join(line + b"\n" for line in islice(self._lines, 3))
        if head != _head(self._head.size, self._records):
            raise ProofInvalid("does not begin with its form, the size of the tree and the number of records")
        for line in self._lines:
            yield unb64(line.decode("ascii", "replace"), HASH_SIZE)


def _head(size: int, records: int) -> bytes:
    return f"{_FORM}\nsize {size}\nleaves {records}\n".encode()


def _put(file: IO[bytes], found: bytes) -> None:
    file.write(b64(found).encode() + b"\n")
