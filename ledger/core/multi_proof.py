"""One proof that many leaves are in a tree (RFC 6962): the hashes of the ranges without any of them, left to right.

Which ranges those are follows from the size and the leaves' numbers alone, so the proof is a list of hashes and nothing
else: each hash of the tree that can be computed from the leaves is left out. Memory is O(log size).
"""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from ledger.core.errors import ProofInvalid
from ledger.core.hashing import HASH_SIZE, node_hash


class _Open(msgspec.Struct):
    """A range whose root is not known yet; `left`: the root of its left part, once that is known."""

    low: int
    high: int
    left: bytes | None

    @property
    def middle(self) -> int:
        return self.low + (1 << (self.high - self.low - 1).bit_length() - 1)


class _Walk:
    """Computes the root from leaves in rising order; asks `missing` for the root of each range without any.

    `missing` is told how deep below the root the range is, and whether it lies after the last leaf (else: before the
    next one).
    """

    def __init__(self, size: int, missing: Callable[[int, bool], bytes]) -> None:
        self._size = size
        self._missing = missing
        self._open: list[_Open] = []
        self._last = -1
        self._found = b""

    def leaf(self, index: int, leaf_hash: bytes) -> None:
        if not self._last < index < self._size or len(leaf_hash) != HASH_SIZE:
            raise ProofInvalid(f"leaf {index} does not come after leaf {self._last} in a tree of size {self._size}")
        low, high = (0, self._size) if self._last < 0 else self._climb(index)
        while high - low > 1:
            within = _Open(low, high, None)
            if index < within.middle:
                high = within.middle
            else:
                within.left = self._missing(len(self._open), False)
                low = within.middle
            self._open.append(within)
        self._last, self._found = index, leaf_hash

    def root(self) -> bytes:
        if self._last < 0:
            raise ProofInvalid("a proof of no leaf at all proves nothing")
        self._climb(self._size)
        return self._found

    def _climb(self, index: int) -> tuple[int, int]:
        """Closes the ranges that end before a leaf; the range within which it is reached then."""
        while self._open:
            within = self._open[-1]
            if within.left is not None:
                self._found = node_hash(within.left, self._found)
            elif index < within.high:
                within.left = self._found
                return within.middle, within.high
            else:
                self._found = node_hash(self._found, self._missing(len(self._open) - 1, True))
            self._open.pop()
        return 0, self._size


class MultiProofMaker:
    """Makes the proof from inclusion proofs of the single leaves: nothing else of the tree is needed."""

    def __init__(self, size: int, put: Callable[[bytes], None]) -> None:
        """`put` is given the hashes of the proof, one by one."""
        self._walk = _Walk(size, self._missing)
        self._put = put
        self._last: Sequence[bytes] = ()
        self._next: Sequence[bytes] = ()

    def leaf(self, index: int, leaf_hash: bytes, proof: Sequence[bytes]) -> None:
        """Takes the next leaf, in rising order, with its own inclusion proof; raises ProofInvalid."""
        self._next = proof
        self._walk.leaf(index, leaf_hash)
        self._last = proof

    def root(self) -> bytes:
        """The root that the proof leads to, once every leaf was given; raises ProofInvalid."""
        return self._walk.root()

    def _missing(self, depth: int, after: bool) -> bytes:
        proof = self._last if after else self._next
        if depth >= len(proof):
            raise ProofInvalid("an inclusion proof is shorter than the way of its leaf to the root")
        found = proof[-1 - depth]
        self._put(found)
        return found


class MultiProof:
    """Checks a proof: the leaves that are given, in rising order, and its hashes lead to one root."""

    def __init__(self, size: int, hashes: Iterator[bytes]) -> None:
        """`hashes` are read as they are needed."""
        self._hashes = hashes
        self._walk = _Walk(size, self._missing)

    def leaf(self, index: int, leaf_hash: bytes) -> None:
        """Takes the next leaf; raises ProofInvalid for one out of order or beyond the size, or too short a proof."""
        self._walk.leaf(index, leaf_hash)

    def root(self) -> bytes:
        """The root that all of it leads to; raises ProofInvalid where hashes are left over, or too few."""
        found = self._walk.root()
        if next(self._hashes, None) is not None:
            raise ProofInvalid("the proof has more hashes than its leaves need")
        return found

    def _missing(self, _depth: int, _after: bool) -> bytes:
        found = next(self._hashes, None)
        if found is None or len(found) != HASH_SIZE:
            raise ProofInvalid("the proof has fewer hashes than its leaves need, or one that is no hash")
        return found
