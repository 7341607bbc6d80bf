"""Tree hashing and the checks of proofs (RFC 9162 2.1)."""

import hashlib
from collections.abc import Sequence

from tests.oracle.errors import NotVerified

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of an entry as a leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class RunningRoot:
    """The root over all leaves given so far, in memory that grows with the logarithm of their number."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Appends a leaf hash: as many right-most sub-trees merge as the size has trailing one bits."""
        size = self.size
        while size & 1:
            leaf = node_hash(self._peaks.pop(), leaf)
            size >>= 1
        self._peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self._peaks:
            return EMPTY_ROOT
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    running = RunningRoot()
    for leaf in leaves:
        running.add(leaf)
    return running.root()


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Holds, or raises NotVerified: the leaf is at `index` of the tree with that size and root."""
    where = f"inclusion proof of entry {index}"
    if not 0 <= index < size:
        raise NotVerified(where, f"the tree has {size} entries")
    if any(len(hash_) != 32 for hash_ in (leaf, root, *proof)):
        raise NotVerified(where, "holds a hash that is not 32 bytes long")
    first, last, result = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise NotVerified(where, "is too long")
        if first & 1 or first == last:
            result = node_hash(hash_, result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            result = node_hash(result, hash_)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise NotVerified(where, "is too short")
    if result != root:
        raise NotVerified(where, "leads to another root")


def check_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Holds, or raises NotVerified: the tree of size `new` is that of size `old`, appended to."""
    where = f"consistency proof from {old} to {new}"
    if not 0 < old <= new:
        raise NotVerified(where, "does not go from a tree to a later one")
    if old == new:
        if proof or old_root != new_root:
            raise NotVerified(where, "one size with two roots, or a proof where none belongs")
        return
    if any(len(hash_) != 32 for hash_ in (old_root, new_root, *proof)):
        raise NotVerified(where, "holds a hash that is not 32 bytes long")
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        raise NotVerified(where, "is empty")
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_result = new_result = path[0]
    for hash_ in path[1:]:
        if last == 0:
            raise NotVerified(where, "is too long")
        if first & 1 or first == last:
            old_result, new_result = node_hash(hash_, old_result), node_hash(hash_, new_result)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_result = node_hash(new_result, hash_)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise NotVerified(where, "is too short")
    if old_result != old_root or new_result != new_root:
        raise NotVerified(where, "leads to another root")
