"""The large sets that signatures of a package are over: the leaf hashes of each, folding to the root that was signed.

With them it is told offline of each record whether it is what was signed, though the statement lists no hashes.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

from ledger.core.errors import IntegrityError, SignatureInvalid
from ledger.core.hashing import HASH_SIZE, b64, unb64
from ledger.core.members import Members
from ledger.core.merkle import Frontier
from ledger.core.signature import MAX_SET, Target, members
from reports import layout
from reports.lines import MAX_LINE, SetLine
from reports.reading import lines_of
from reports.strictzip import StrictZip

_A_LINE: Final = 4096
"""Leaf hashes of one line."""


class SignedSet:
    """A set with the leaf hashes of its entries, which fold to its root."""

    def __init__(self, chosen: Members, leaves: bytes) -> None:
        self._members = chosen
        self._leaves = leaves

    def leaf(self, index: int) -> str | None:
        """The leaf hash that was signed of an entry; None for one that is not of the set."""
        if index not in self._members:
            return None
        at = self._members.rank(index) * HASH_SIZE
        return b64(self._leaves[at : at + HASH_SIZE])


class Sets:
    """The sets of one package, by their roots; an entry of one takes 32 bytes."""

    def __init__(self) -> None:
        self._leaves: dict[str, bytearray] = {}
        self._used: set[str] = set()

    def read(self, package: StrictZip, prefix: str) -> None:
        """Reads the sets that the package has. Raises IntegrityError for one that is out of order or too large, or
        whose hashes do not fold to its root.
        """
        if prefix + layout.SETS not in package.members:
            return
        trees: dict[str, Frontier] = {}
        for line in lines_of(package, prefix + layout.SETS, SetLine, MAX_LINE):
            tree = trees.setdefault(line.root, Frontier())
            leaves = self._leaves.setdefault(line.root, bytearray())
            if line.first != tree.size or not line.leaves or tree.size + len(line.leaves) > MAX_SET:
                raise IntegrityError(f"{layout.SETS} does not tell the set of root {line.root} in its order")
            hashes = [unb64(one, HASH_SIZE) for one in line.leaves]
            tree.extend(hashes)
            leaves.extend(b"".join(hashes))
        for root, tree in trees.items():
            if b64(tree.root()) != root:
                raise IntegrityError(f"{layout.SETS} tells other hashes than those of root {root}")

    def of(self, target: Target) -> SignedSet:
        """The set that a signature is over; raises SignatureInvalid where the package does not have it whole."""
        leaves = self._leaves.get(target.root)
        if leaves is None or len(leaves) != target.count * HASH_SIZE:
            raise SignatureInvalid(f"{layout.SETS} has not the {target.count} entries of the set that it signs")
        self._used.add(target.root)
        return SignedSet(members(target), bytes(leaves))

    def unused(self) -> list[str]:
        """The roots of sets that no signature is over."""
        return sorted(self._leaves.keys() - self._used)


def set_lines(target: Target, leaves: Callable[[Members], Iterable[bytes]]) -> Iterator[SetLine]:
    """The lines of the set that a signature is over."""
    source, first = iter(leaves(members(target))), 0
    while chunk := tuple(map(b64, islice(source, _A_LINE))):
        yield SetLine(root=target.root, first=first, leaves=chunk)
        first += len(chunk)
