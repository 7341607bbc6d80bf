"""The proof of a record as a file of its own: C2SP tlog-proof, which any verifier of that format opens.

It is made from the record's line and the checkpoint alone, so whoever has both makes it again and compares.
"""

from collections.abc import Mapping
from hashlib import sha256

from ledger.core.hashing import unb64
from ledger.core.proof import TlogProof
from reports import layout
from reports.bag import Digests
from reports.checks import Problems
from reports.lines import RecordLine


def proof_file(line: RecordLine, checkpoint: bytes) -> bytes:
    """The file of a record's proof; its `extra` line is the leaf's data, which the proven leaf hash is made of."""
    hashes = tuple(unb64(item, 32) for item in line.proof)
    return TlogProof(index=line.index, hashes=hashes, checkpoint=checkpoint, extra=bytes(line.leaf)).encode()


class Proofs:
    """Holds a package's proof files, by their digests, against its records as they go by."""

    def __init__(self, files: Mapping[str, Digests], checkpoint: bytes, problems: Problems) -> None:
        self._files = {name: found.sha256 for name, found in files.items() if layout.is_proof(name)}
        self._count = len(self._files)
        self._checkpoint, self._problems = checkpoint, problems

    def record(self, line: RecordLine) -> None:
        """Takes a record of the package; notes a proof file that is not the record's."""
        name = layout.proof(line.index)
        found = self._files.pop(name, None)
        if found is not None and found != sha256(proof_file(line, self._checkpoint)).hexdigest():
            self._problems.add(name, f"is not the proof that {layout.RECORDS} has of entry {line.index}")

    def finish(self, said: int) -> None:
        """Compares with how many the package says that it has, once all records were seen."""
        for name in sorted(self._files):
            self._problems.add(name, "is the proof of no record of the package")
        if self._count != said:
            self._problems.add(layout.PROOFS_FOLDER, f"does not hold the proofs that {layout.DESCRIPTION} says")
