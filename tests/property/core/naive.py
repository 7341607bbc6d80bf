"""The definitions of RFC 6962 written down as they stand: slow, recursive, and independent of the code under test."""

from collections.abc import Sequence
from hashlib import sha256


def leaves(count: int) -> list[bytes]:
    return [sha256(b"leaf %d" % index).digest() for index in range(count)]


def split(count: int) -> int:
    half = 1
    while half * 2 < count:
        half *= 2
    return half


def root(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = split(len(hashes))
    return sha256(b"\x01" + root(hashes[:half]) + root(hashes[half:])).digest()


def path(index: int, hashes: Sequence[bytes]) -> list[bytes]:
    if len(hashes) == 1:
        return []
    half = split(len(hashes))
    if index < half:
        return [*path(index, hashes[:half]), root(hashes[half:])]
    return [*path(index - half, hashes[half:]), root(hashes[:half])]


def consistency(old: int, hashes: Sequence[bytes], whole: bool = True) -> list[bytes]:
    if old == len(hashes):
        return [] if whole else [root(hashes)]
    half = split(len(hashes))
    if old <= half:
        return [*consistency(old, hashes[:half], whole), root(hashes[half:])]
    return [*consistency(old - half, hashes[half:], False), root(hashes[:half])]


class NaiveReader:
    """Computes each subtree from the leaves."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.hashes = hashes

    def subtree(self, level: int, index: int) -> bytes:
        part = self.hashes[index << level : (index + 1) << level]
        assert len(part) == 1 << level
        return root(part)
