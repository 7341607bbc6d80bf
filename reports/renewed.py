"""The renewals of a package's time-stamps, verified offline: what carries them beyond what they rest on.

Each is a time-stamp over the root of a tree (`core.renewals`) in which the time-stamps, and the renewals before it, are
proven to stand. They are judged from the newest back: one that is doubtful by itself counts if a newer one that counts
says that it was there before.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from ledger.core.errors import IntegrityError, LedgerError, TimestampInvalid
from ledger.core.hashing import unb64
from ledger.core.renewals import Weak, leaf_of, require_sound, root_by, statement
from ledger.core.timestamps import Pins, TimeStamp, pins_of, verify_time_stamp
from reports.lines import RenewalLine

_ROOT = 64


class Renewed(msgspec.Struct, frozen=True, kw_only=True):
    """A renewal that counts: by whom, when, and the entries that it covers."""

    tsa: str
    stamp: TimeStamp
    covers: frozenset[int]


class Renewals:
    """The renewals of one package. `certificates` gives those (DER) of the authority that an entry pins."""

    def __init__(
        self,
        lines: Iterable[RenewalLine],
        stamps: Mapping[int, bytes],
        certificates: Callable[[int], Sequence[bytes]],
        wrong: Callable[[int, str], None],
    ) -> None:
        """`stamps`: the leaf of each time-stamp of the package (`leaf_of`). What does not hold is told to `wrong`."""
        self._lines: list[tuple[RenewalLine, Sequence[bytes]]] = []
        leaves, last = dict(stamps), -1
        for line in lines:
            try:
                if line.index <= last or line.high > line.index:
                    raise IntegrityError("does not stand in the order of the log")
                last = line.index
                named = certificates(line.pinned)
                leaves[line.index] = leaf_of(_text(line), unb64(line.token), map(unb64, line.revocation))
                _require_covered(line, leaves)
                _verified(line, pins_of(named, line.policy))
            except LedgerError as error:
                wrong(line.index, error.message)
                continue
            self._lines.append((line, named))

    def counting(self, weak: Weak, pins: Callable[[Sequence[bytes], str | None], Pins | None]) -> list[Renewed]:
        """Those that count, newest first. `pins`: what the authority with these certificates and policy is held
        against; None where it is nobody's to be believed.
        """
        found: list[Renewed] = []
        for line, named in reversed(self._lines):
            held = pins(named, line.policy)
            if held is None:
                continue
            try:
                stamp = _verified(line, held)
                require_sound(stamp, weak, renewed_us(found, line.index))
            except TimestampInvalid:
                continue
            covers = frozenset(one.index for one in line.covers)
            found.append(Renewed(tsa=line.tsa, stamp=stamp, covers=covers))
        return found


def renewed_us(renewals: Collection[Renewed], index: int) -> int | None:
    """When the first of these says that the time-stamp at an entry was there (µs); None where none covers it."""
    return min((one.stamp.by_us for one in renewals if index in one.covers), default=None)


def _text(line: RenewalLine) -> bytes:
    return statement(line.origin, line.high, line.count, line.root)


def _verified(line: RenewalLine, pins: Pins) -> TimeStamp:
    revocation = map(unb64, line.revocation)
    return verify_time_stamp(unb64(line.token), _text(line), pins, revocation=revocation, renewed=True)


def _require_covered(line: RenewalLine, leaves: Mapping[int, bytes]) -> None:
    """Raises unless all that it says it covers stands in the tree that it renewed."""
    root = unb64(line.root, _ROOT)
    if not line.covers:
        raise IntegrityError("covers no time-stamp of the package")
    for one in line.covers:
        leaf = leaves.get(one.index)
        if leaf is None or one.index >= line.high:
            raise IntegrityError(f"is said to cover entry {one.index}, which the package does not hold before it")
        path = [unb64(item, _ROOT) for item in one.path]
        if root_by(leaf, one.place, line.count, path) != root:
            raise TimestampInvalid(f"does not cover the time-stamp of entry {one.index}")
