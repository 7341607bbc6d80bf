"""The Merkle tree of RFC 6962, as pure functions over hashes: grow it, prove with it, check its proofs.

A hash that is not 32 bytes is never hashed further. Proof lists run from the leaf towards the root.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from struct import iter_unpack
from typing import Protocol

from ledger.core.errors import ProofInvalid
from ledger.core.hashing import EMPTY_ROOT, HASH_SIZE, NODE, node_hash


class HashReader(Protocol):
    """Gives the hash of any complete subtree of a tree."""

    def subtree(self, level: int, index: int) -> bytes:
        """Return the root over leaves [index·2^level, (index+1)·2^level), all of which are in the tree."""
        ...


class Frontier:
    """The right edge of a growing tree: enough to append and to know the root, in O(log n) memory.

    `hashes` are the roots of the complete subtrees that tile [0, size), largest first: one for each bit that
    is set in `size`.
    """

    __slots__ = ("_hashes", "_size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """Continue a tree of `size` leaves; raises ProofInvalid unless `hashes` fit `size`."""
        self._size = size
        self._hashes = list(hashes)
        if size < 0 or len(self._hashes) != size.bit_count():
            raise ProofInvalid(f"a tree of size {size} has no edge of {len(self._hashes)} hashes")
        _require_hashes(self._hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def hashes(self) -> tuple[bytes, ...]:
        """Roots of the complete subtrees, largest first."""
        return tuple(self._hashes)

    def copy(self) -> "Frontier":
        """Return an independent frontier of the same tree."""
        other = Frontier.__new__(Frontier)
        other._size = self._size
        other._hashes = self._hashes.copy()
        return other

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf, by its hash; raises ProofInvalid unless it is 32 bytes."""
        self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Add leaves in order, by their hashes; raises ProofInvalid at one that is not 32 bytes.

        After an error the frontier stands where it stood before the call.
        """
        size = self._size
        stack = self._hashes.copy()
        # Method look-ups out of the loop: this runs once for each entry ever appended or verified.
        push, pop = stack.append, stack.pop
        for leaf in leaf_hashes:
            if len(leaf) != HASH_SIZE:
                raise ProofInvalid(f"hash has {len(leaf)} bytes where {HASH_SIZE} are due")
            right, full = leaf, size
            while full & 1:
                right = sha256(NODE + pop() + right).digest()
                full >>= 1
            push(right)
            size += 1
        self._size = size
        self._hashes = stack

    def root(self) -> bytes:
        """Return the root hash of the tree so far (MTH of RFC 6962 2.1)."""
        if not self._hashes:
            return EMPTY_ROOT
        return _fold(self._hashes)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaf_hashes)
    return frontier.root()


def complete_root(hashes: bytes) -> bytes:
    """Return the root over a power of two of hashes that stand side by side; raises ProofInvalid for other bytes."""
    count = len(hashes) // HASH_SIZE
    if not count or count & (count - 1) or len(hashes) != count * HASH_SIZE:
        raise ProofInvalid(f"{len(hashes)} bytes are no complete subtree's hashes")
    while len(hashes) > HASH_SIZE:
        hashes = b"".join([sha256(NODE + pair).digest() for (pair,) in iter_unpack("64s", hashes)])
    return hashes


def size_root(size: int, reader: HashReader) -> bytes:
    """Return the root of the tree of `size` leaves, from its complete subtrees."""
    return _range_root(0, size, reader) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, reader: HashReader) -> list[bytes]:
    """Return the proof that leaf `index` is in the tree of `size` leaves (RFC 9162 2.1.3.1).

    Raises ProofInvalid unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of size {size}")
    return _path(index, 0, size, reader)


def consistency_proof(old: int, new: int, reader: HashReader) -> list[bytes]:
    """Return the proof that the tree of `new` leaves continues that of `old` (RFC 9162 2.1.4.1).

    Empty for equal sizes. Raises ProofInvalid unless 0 < old <= new: from the empty tree there is nothing to
    prove.
    """
    if not 0 < old <= new:
        raise ProofInvalid(f"no consistency proof from size {old} to size {new}")
    if old == new:
        return []
    # Follow the old tree's right edge down the new tree, until a subtree that both trees have whole.
    low, high = 0, new
    proof: list[bytes] = []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            proof.append(_range_root(middle, high, reader))
            high = middle
        else:
            proof.append(_range_root(low, middle, reader))
            low = middle
    if low:
        proof.append(_range_root(low, high, reader))
    proof.reverse()
    return proof


def verify_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Return only if the proof leads from leaf to root (RFC 9162 2.1.3.2), else raise ProofInvalid."""
    if not 0 <= index < size:
        raise ProofInvalid(f"no leaf {index} in a tree of size {size}")
    _require_hashes((leaf_hash, root, *proof))
    place, last, current = index, size - 1, leaf_hash
    for sibling in proof:
        if not last:
            raise ProofInvalid(f"inclusion proof of leaf {index} in size {size} is too long")
        if place & 1 or place == last:
            current = node_hash(sibling, current)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            current = node_hash(current, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofInvalid(f"inclusion proof of leaf {index} in size {size} is too short")
    if current != root:
        raise ProofInvalid(f"inclusion proof of leaf {index} does not lead to the root of size {size}")


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Return only if the new tree continues the old one (RFC 9162 2.1.4.2), else raise ProofInvalid.

    Equal sizes need equal roots and an empty proof. Size 0 is refused: every tree continues the empty one, so
    the caller decides what that means.
    """
    if not 0 < old <= new:
        raise ProofInvalid(f"no consistency proof from size {old} to size {new}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofInvalid(f"two different roots, or a needless proof, for one size {old}")
        return
    _require_hashes((old_root, new_root, *proof))
    if not proof:
        raise ProofInvalid(f"consistency proof from size {old} to size {new} is empty")
    # A power of two is itself a subtree of the new tree, whose root the proof leaves out.
    hashes = [old_root, *proof] if old.bit_count() == 1 else list(proof)
    place, last = old - 1, new - 1
    while place & 1:
        place >>= 1
        last >>= 1
    old_side = new_side = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            raise ProofInvalid(f"consistency proof from size {old} to size {new} is too long")
        if place & 1 or place == last:
            old_side = node_hash(sibling, old_side)
            new_side = node_hash(sibling, new_side)
            while not place & 1 and place:
                place >>= 1
                last >>= 1
        else:
            new_side = node_hash(new_side, sibling)
        place >>= 1
        last >>= 1
    if last:
        raise ProofInvalid(f"consistency proof from size {old} to size {new} is too short")
    if old_side != old_root:
        raise ProofInvalid(f"consistency proof does not lead to the root of size {old}")
    if new_side != new_root:
        raise ProofInvalid(f"consistency proof does not lead to the root of size {new}")


def _split(count: int) -> int:
    """The largest power of two strictly below `count`; count is 2 or more."""
    return 1 << (count - 1).bit_length() - 1


def _path(index: int, low: int, high: int, reader: HashReader) -> list[bytes]:
    proof: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(_range_root(middle, high, reader))
            high = middle
        else:
            proof.append(_range_root(low, middle, reader))
            low = middle
    proof.reverse()
    return proof


def _range_root(low: int, high: int, reader: HashReader) -> bytes:
    """Root over leaves [low, high), a range from the tree's own splits: low is aligned to its size."""
    parts: list[bytes] = []
    while low < high:
        level = (high - low).bit_length() - 1
        parts.append(reader.subtree(level, low >> level))
        low += 1 << level
    return _fold(parts)


def _fold(parts: Sequence[bytes]) -> bytes:
    """Root over complete subtrees, largest first: the smallest two join first."""
    root = parts[-1]
    for part in reversed(parts[:-1]):
        root = node_hash(part, root)
    return root


def _require_hashes(hashes: Iterable[bytes]) -> None:
    for item in hashes:
        if len(item) != HASH_SIZE:
            raise ProofInvalid(f"hash has {len(item)} bytes where {HASH_SIZE} are due")
