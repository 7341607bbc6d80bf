"""The time-stamps of a package, verified offline as of the moments that they name, and what they date.

Each is over the text of an earlier checkpoint that the package's own continues. One that rests on what is distrusted by
now counts as far as the package's renewals carry it (`reports.renewed`). Whether its authority is one to be
believed, a root from outside the package tells; without one a time-stamp is consistent, and its authority not pinned.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from ledger.core.checkpoint import Checkpoint
from ledger.core.clock import parse_utc, utc_text
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import unb64
from ledger.core.merkle import verify_consistency
from ledger.core.renewals import DISTRUSTED, Weak, leaf_of, require_sound
from ledger.core.time_tokens import MAX_RESPONSE
from ledger.core.timestamps import Pins, TimeStamp, certificates_in, differs, pins_of, verify_time_stamp
from reports import layout
from reports.checks import Problems
from reports.lines import MAX_LINE, RenewalLine, StampLine
from reports.reading import lines_of
from reports.renewed import Renewals, Renewed, renewed_us
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
    renewals: tuple[Renewed, ...]
    """Those that count and cover it: of authorities whose root was given, where it is by one itself."""


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a package has of a time-stamp, before it is judged."""

    line: StampLine
    text: bytes
    token: bytes
    named: tuple[bytes, ...]
    revocation: tuple[bytes, ...]


class TimeStamps:
    """The time-stamps of one package. Fed with its records, it says by when they existed."""

    def __init__(self, problems: Problems, roots: Sequence[bytes] = (), weak: Weak = DISTRUSTED) -> None:
        """`roots`: certificates (DER) of authorities of time, from outside the package; `weak`: what is distrusted."""
        self._problems = problems
        self._weak = weak
        self._roots = tuple(roots)
        self._found: list[_Dated] = []
        self._dated = self._undated = self._apart = 0
        self._longest_us = self._last_us = 0

    def read(self, package: StrictZip, prefix: str, head: Checkpoint, said: int, renewals: int) -> None:
        """Verifies all of them; `said`, and `renewals` of them: how many the package says that it has. What is wrong is
        noted by its file.
        """
        held: list[_Held] = []
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
                    held.append(_held(package, prefix, line))
                except LedgerError as error:
                    self._problems.add(where, error.message)
        lines = []
        if layout.RENEWALS in stored:
            lines = list(lines_of(package, prefix + layout.RENEWALS, RenewalLine, MAX_LINE))
            used |= {layout.stamp(line.pinned, "pem") for line in lines}
        if len(lines) != renewals:
            self._problems.add(layout.RENEWALS, f"does not tell of the renewals that {layout.DESCRIPTION} says")
        self._judge(package, prefix, head, held, lines)
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
        if any(
            layout.STAMPS in place.where or layout.RENEWALS in place.where or layout.is_stamp(place.where)
            for place in self._problems
        ):
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
                f"certificate was revoked: {revoked}{_renewed(one.renewals)}",
            )

    def _judge(
        self, package: StrictZip, prefix: str, head: Checkpoint, held: Sequence[_Held], lines: Sequence[RenewalLine]
    ) -> None:
        carried = Renewals(
            lines,
            {one.line.index: leaf_of(one.text, one.token, one.revocation) for one in held},
            lambda pinned: certificates_in(package.read(prefix + layout.stamp(pinned, "pem"), _SMALL)),
            lambda index, what: self._problems.add(f"entry {index} in {layout.RENEWALS}", what),
        )
        inside = carried.counting(self._weak, pins_of)
        outside = carried.counting(self._weak, self._outside)
        for one in held:
            try:
                self._found.append(self._one(head, one, inside, outside))
            except LedgerError as error:
                self._problems.add(layout.stamp(one.line.index, "tsr"), error.message)

    def _one(self, head: Checkpoint, one: _Held, inside: list[Renewed], outside: list[Renewed]) -> _Dated:
        line = one.line
        found = Checkpoint.parse(one.text.decode("utf-8", "strict"))
        if (found.origin, found.size) != (head.origin, line.size) or found.size > head.size:
            raise IntegrityError("is over a checkpoint of another log or size than it is told of")
        if found.size < head.size:
            proof = [unb64(item, 32) for item in line.proof]
            verify_consistency(found.size, head.size, found.root, head.root, proof)
        elif found.root != head.root or line.proof:
            raise IntegrityError("is over another checkpoint than the package's own")
        stamp = self._stamp(one, pins_of(one.named, line.policy), inside)
        pinned = False
        with suppress(LedgerError):
            pins = self._outside(one.named, line.policy)
            pinned = pins is not None and bool(self._stamp(one, pins, outside))
        renewals = tuple(by for by in (outside if pinned else inside) if line.index in by.covers)
        return _Dated(size=line.size, stamp=stamp, tsa=line.tsa, pinned=pinned, renewals=renewals)

    def _stamp(self, one: _Held, pins: Pins, renewals: Sequence[Renewed]) -> TimeStamp:
        """What it proves under these pins, as far as it is sound or was renewed in time; raises TimestampInvalid."""
        found = verify_time_stamp(one.token, one.text, pins, revocation=one.revocation, renewed=True)
        require_sound(found, self._weak, renewed_us(renewals, one.line.index))
        return found

    def _outside(self, named: Sequence[bytes], policy: str | None) -> Pins | None:
        """The roots from outside, with whatever certificates the package has between; None where none was given."""
        if not self._roots:
            return None
        outside = pins_of(self._roots)
        between = tuple(one for one in named if one not in outside.roots)
        return Pins(roots=outside.roots, between=(*outside.between, *between), own=outside.own, policy=policy)


def _held(package: StrictZip, prefix: str, line: StampLine) -> _Held:
    return _Held(
        line=line,
        text=package.read(prefix + layout.stamp(line.size, "checkpoint"), _SMALL),
        token=package.read(prefix + layout.stamp(line.index, "tsr"), MAX_RESPONSE),
        named=certificates_in(package.read(prefix + layout.stamp(line.pinned, "pem"), _SMALL)),
        revocation=tuple(unb64(one) for one in line.revocation),
    )


def _renewed(found: Sequence[Renewed]) -> str:
    """What is said of the renewals of a time-stamp, the first of them in full."""
    if not found:
        return ""
    first = min(found, key=lambda one: one.stamp.by_us)
    return f"; renewed, first by {first.tsa} at {utc_text(first.stamp.gen_us)}"
