"""The time-stamps of a package, verified offline as of the moments that they name, and what they date.

Each is over the text of an earlier checkpoint that the package's own continues. Whether its authority is one to be
believed, a root from outside the package tells; without one a time-stamp is consistent, and its authority not pinned.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import unb64
from ledger.core.merkle import verify_consistency
from ledger.core.time_tokens import MAX_RESPONSE
from ledger.core.timestamps import Pins, TimeStamp, certificates_in, differs, pins_of, verify_time_stamp
from reports import layout
from reports.checks import Problems
from reports.lines import MAX_LINE, StampLine
from reports.reading import lines_of
from reports.strictzip import StrictZip
from reports.verdict import Check, Outcome

_SMALL: Final = 1 << 18
_NOT_PROVEN: Final = (
    "that the authority's clock was right, or that what a source reported was true; whether a certificate was revoked "
    "since, as far as nothing in the package tells it"
)


class _Dated(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    stamp: TimeStamp
    tsa: str
    pinned: bool


class TimeStamps:
    """The time-stamps of one package. Fed with its records, it says by when they existed."""

    def __init__(self, problems: Problems, roots: Sequence[bytes] = ()) -> None:
        """`roots`: certificates (DER) of authorities of time, from outside the package."""
        self._problems = problems
        self._roots = tuple(roots)
        self._found: list[_Dated] = []
        self._dated = self._undated = self._apart = 0
        self._longest_us = self._last_us = 0

    def read(self, package: StrictZip, prefix: str, head: Checkpoint, said: int) -> None:
        """Verifies all of them; `said`: how many the package says that it has. What is wrong is noted by its file."""
        stored = {name.removeprefix(prefix) for name in package.members}
        used: set[str] = set()
        if layout.STAMPS in stored:
            for line in lines_of(package, prefix + layout.STAMPS, StampLine, MAX_LINE):
                where = layout.stamp(line.index, "tsr")
                if where in used:
                    self._problems.add(where, "is told of twice")
                    continue
                used |= {where, layout.stamp(line.size, "checkpoint"), layout.stamp(line.pinned, "pem")}
                try:
                    self._found.append(self._one(package, prefix, head, line))
                except LedgerError as error:
                    self._problems.add(where, error.message)
        for name in sorted(name for name in stored - used if layout.is_stamp(name)):
            self._problems.add(name, "is no file of a time-stamp that is told of")
        told = sum(1 for name in used if name.endswith(".tsr"))
        if told != said:
            self._problems.add(layout.STAMPS, f"does not tell of the time-stamps that {layout.DESCRIPTION} says")
        if self._roots and not any(one.pinned for one in self._found):
            self._problems.add(layout.STAMPS, "has no time-stamp by an authority whose root was given")
        self._found.sort(key=lambda one: (one.stamp.by_us, one.size))

    def record(self, index: int, logged_at: str) -> None:
        """Takes a record of the package, and when the log says that it was entered."""
        logged_us = parse_utc(logged_at)
        over = [one for one in self._found if one.size > index and (one.pinned or not self._roots)]
        good = [one for one in over if not differs(one.stamp.gen_us, one.stamp.accuracy_us, logged_us)]
        self._apart += len(over) > len(good)
        if not good:
            self._undated += 1
            return
        self._dated += 1
        self._longest_us = max(self._longest_us, good[0].stamp.by_us - logged_us)
        self._last_us = max(self._last_us, good[0].stamp.by_us)

    def checks(self) -> Iterator[Check]:
        """What is said of them all, and then of each."""
        if not self._found:
            yield Check(
                name="Time-stamps",
                outcome=Outcome.FAILS if self._roots else Outcome.UNKNOWN,
                says="there are none in this package" + (", though a root was given" if self._roots else ""),
                not_proven="by when any of it existed, but by the log's own clock",
            )
            return
        pinned = [one for one in self._found if one.pinned]
        total = self._dated + self._undated
        says = f"{self._dated} of {total} records are dated from outside the log"
        if self._dated:
            says += (
                f": all of these existed by {utc_text(self._last_us)}, each at most "
                f"{max(0, self._longest_us) / 1e6:.0f} s after the log says that it was entered"
            )
        if self._apart:
            says += f"; for {self._apart} an authority says that they existed well before the log says that they did"
        if pinned:
            says += "; by an authority whose root was given from outside"
        else:
            says += "; consistent, but the AUTHORITY IS NOT PINNED: no root was given from outside (--tsa-root)"
        good = bool(pinned) and not self._undated and not self._apart
        outcome = Outcome.HOLDS if good else Outcome.UNKNOWN
        if any(place.where == layout.STAMPS or layout.is_stamp(place.where) for place in self._problems):
            outcome = Outcome.FAILS
        yield Check(name="Time-stamps", outcome=outcome, says=says, not_proven=_NOT_PROVEN)
        for one in self._found:
            off = f" ± {one.stamp.accuracy_us / 1e6:g} s" if one.stamp.accuracy_us else ""
            revoked = one.stamp.revocation[0].state.value if one.stamp.revocation else "unknown"
            yield Check(
                name=f"Time-stamp by {one.tsa}",
                outcome=Outcome.HOLDS if one.pinned else Outcome.UNKNOWN,
                says=f"{one.stamp.subject} says that the checkpoint of size {one.size} existed at "
                f"{utc_text(one.stamp.gen_us)}{off}; {'pinned' if one.pinned else 'not pinned'}; whether its "
                f"certificate was revoked: {revoked}",
            )

    def _one(self, package: StrictZip, prefix: str, head: Checkpoint, line: StampLine) -> _Dated:
        text = package.read(prefix + layout.stamp(line.size, "checkpoint"), _SMALL)
        token = package.read(prefix + layout.stamp(line.index, "tsr"), MAX_RESPONSE)
        named = certificates_in(package.read(prefix + layout.stamp(line.pinned, "pem"), _SMALL))
        found = Checkpoint.parse(text.decode("utf-8", "strict"))
        if (found.origin, found.size) != (head.origin, line.size) or found.size > head.size:
            raise IntegrityError("is over a checkpoint of another log or size than it is told of")
        if found.size < head.size:
            proof = [unb64(one, 32) for one in line.proof]
            verify_consistency(found.size, head.size, found.root, head.root, proof)
        elif found.root != head.root or line.proof:
            raise IntegrityError("is over another checkpoint than the package's own")
        revocation = tuple(unb64(one) for one in line.revocation)
        stamp = verify_time_stamp(token, text, pins_of(named, line.policy), revocation=revocation)
        return _Dated(
            size=line.size, stamp=stamp, tsa=line.tsa, pinned=self._pinned(token, text, named, line, revocation)
        )

    def _pinned(
        self, token: bytes, text: bytes, named: Sequence[bytes], line: StampLine, revocation: tuple[bytes, ...]
    ) -> bool:
        """Whether it chains to a root from outside, by whatever certificates the package has between."""
        if not self._roots:
            return False
        outside = pins_of(self._roots)
        between = tuple(one for one in named if one not in outside.roots)
        pins = Pins(roots=outside.roots, between=(*outside.between, *between), own=outside.own, policy=line.policy)
        try:
            verify_time_stamp(token, text, pins, revocation=revocation)
        except LedgerError:
            return False
        return True
