"""Renewal of time-stamps before what they rest on ages, in the manner of RFC 4998: a newer one over a tree of them all.

A renewal covers, by SHA-512, each earlier time-stamp with the text that it is over, and each earlier renewal. It says
that all of it was there at its own moment: before then, nobody could have made any of it by an algorithm that fell, or
a key that was stolen, afterwards. So a time-stamp whose algorithm is distrusted from a day on holds if a renewal that
holds itself covers it from before that day. The tree of entries itself stays by SHA-256: leaves of another version are
what its own ageing takes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha512
from typing import Final

from ledger.core import canonical
from ledger.core.errors import TimestampInvalid
from ledger.core.timestamps import TimeStamp

_DOMAIN: Final = b"trailseal/timestamp-renewal/v1\n"
_LEAF, _NODE = b"\x00", b"\x01"

Weak = Mapping[str, int]
"""Algorithms that are distrusted, as `TimeStamp.algorithms` names them, each from when on (µs)."""

DISTRUSTED: Final[Weak] = {}
"""Those that this version distrusts: none of what it takes at all is weak by now."""


def leaf_of(text: bytes, token: bytes, revocation: Iterable[bytes] = ()) -> bytes:
    """What stands in the tree for a time-stamp, or a renewal, over these bytes."""
    parts = (text, token, *revocation)
    return sha512(_LEAF + _DOMAIN + b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


class Tree:
    """A tree of leaves, of the shape of RFC 6962, that grows; it remembers a hash for each bit of its size."""

    def __init__(self) -> None:
        self._edge: list[tuple[int, bytes]] = []
        self.size = 0

    def add(self, leaf: bytes) -> None:
        """The next leaf."""
        level, found = 0, leaf
        while self._edge and self._edge[-1][0] == level:
            found = _node(self._edge.pop()[1], found)
            level += 1
        self._edge.append((level, found))
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._edge:
            return sha512(_DOMAIN).digest()
        found = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            found = _node(left, found)
        return found


def paths(leaves: Sequence[bytes], places: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
    """The inclusion paths (RFC 9162 2.1.3.1) of the leaves at these places in the tree of all of them."""
    found: dict[int, list[bytes]] = {place: [] for place in places}
    at, level = {place: place for place in found}, list(leaves)
    while len(level) > 1:
        for place, path in found.items():
            if at[place] ^ 1 < len(level):
                path.append(level[at[place] ^ 1])
            at[place] >>= 1
        whole = len(level) & ~1
        level = [*(_node(level[one], level[one + 1]) for one in range(0, whole, 2)), *level[whole:]]
    return {place: tuple(path) for place, path in found.items()}


def root_by(leaf: bytes, place: int, count: int, path: Sequence[bytes]) -> bytes:
    """The root to which an inclusion path leads from a leaf (RFC 9162 2.1.3.2).

    Raises TimestampInvalid for a path that is none of a leaf at that place among so many.
    """
    here, last, found = place, count - 1, leaf
    for one in path:
        if last == 0:
            raise TimestampInvalid("the path to the tree that was renewed is too long")
        if here & 1 or here == last:
            found = _node(one, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = _node(found, one)
        here, last = here >> 1, last >> 1
    if last or not 0 <= place < count:
        raise TimestampInvalid("the path to the tree that was renewed is too short")
    return found


def statement(origin: str, high: int, count: int, root: str) -> bytes:
    """What a renewal is over: all that is a time-stamp before entry `high` of the system log; `root` in base64."""
    return _DOMAIN + canonical.dumps({"count": count, "high": high, "origin": origin, "root": root})


def doubtful_from(stamp: TimeStamp, weak: Weak) -> int | None:
    """From when on (µs) a time-stamp proves nothing by itself; None while it does."""
    moments = [weak[name] for name in stamp.algorithms if name in weak]
    if stamp.compromised_us is not None:
        moments.append(stamp.compromised_us)
    return min(moments, default=None)


def require_sound(stamp: TimeStamp, weak: Weak, renewed_us: int | None) -> None:
    """Returns only if a time-stamp proves what it says by itself, or was renewed before it no longer did.

    `renewed_us`: when the first renewal of it that holds says that it was there. Raises TimestampInvalid.
    """
    since = doubtful_from(stamp, weak)
    if since is None or (renewed_us is not None and renewed_us < since):
        return
    aged = ", ".join(sorted(name for name in stamp.algorithms if name in weak)) or "its authority's key"
    raise TimestampInvalid(
        f"{aged} is trusted no more, and no renewal from before then covers it",
        advice="Renew time-stamps before what they rest on ages: `trailseal timestamp renew`.",
    )


def _node(left: bytes, right: bytes) -> bytes:
    return sha512(_NODE + left + right).digest()


def roots_at(leaves: Iterable[tuple[int, bytes]], highs: Iterable[int]) -> Iterator[tuple[int, Tree]]:
    """For each of these sizes of the log, ascending: the tree of the leaves of entries before it."""
    tree, waiting = Tree(), iter(leaves)
    at = next(waiting, None)
    for high in highs:
        while at is not None and at[0] < high:
            tree.add(at[1])
            at = next(waiting, None)
        yield high, tree
