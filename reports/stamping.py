"""Takes time-stamps along into a package: of the checkpoints that first date its records, and who made them."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core.hashing import b64
from ledger.trace.stamp_renewals import CarryingRenewal
from ledger.trace.stamps import Stamps
from reports import layout
from reports.lines import Covered, RenewalLine, StampLine, encode_line

MAX_CHECKPOINTS: Final = 10
"""Checkpoints of which one package has time-stamps; where more would date its records, some are dated later by it."""


class Dating(msgspec.Struct, frozen=True, kw_only=True):
    """What the package's time-stamps date: `dated` of its records were there by `by_us` (µs), by the word of `tsas`."""

    time_stamps: int = 0
    renewals: int = 0
    dated: int = 0
    by_us: int | None = None
    tsas: tuple[str, ...] = ()


class Stamping:
    """Told of the records as they are written, it chooses the checkpoints."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._sizes: Counter[int] = Counter()

    def record(self, index: int) -> None:
        """Takes a record of the package."""
        size = self._stamps.first_over(index)
        if size is not None:
            self._sizes[size] += 1

    def write(self, put: Callable[[str, bytes], None]) -> Dating:
        """Puts time-stamps with their checkpoints, certificates and renewals into the package."""
        sizes = sorted(self._sizes)
        if len(sizes) > MAX_CHECKPOINTS:
            step = len(sizes) / MAX_CHECKPOINTS
            sizes = [sizes[int((at + 1) * step) - 1] for at in range(MAX_CHECKPOINTS)]
        lines, indices, tsas = [], [], set[str]()
        by_us: dict[int, int] = {}
        for one in self._stamps.of(sizes):
            put(layout.stamp(one.index, "tsr"), one.token)
            put(layout.stamp(one.size, "checkpoint"), one.text.encode())
            put(layout.stamp(one.pinned, "pem"), _pem(one.certificates))
            line = StampLine(
                index=one.index,
                tsa=one.tsa,
                pinned=one.pinned,
                policy=one.policy,
                size=one.size,
                proof=tuple(map(b64, one.proof)),
                revocation=tuple(map(b64, one.revocation)),
            )
            lines.append(encode_line(line))
            indices.append(one.index)
            tsas.add(one.tsa)
            by_us[one.size] = min(one.by_us, by_us.get(one.size, one.by_us))
        if lines:
            put(layout.STAMPS, b"".join(lines))
        # A later checkpoint dates the records of an earlier one, too.
        dated = sum(count for size, count in self._sizes.items() if size <= max(by_us, default=0))
        return Dating(
            time_stamps=len(lines),
            renewals=self._renewals(put, indices),
            dated=dated,
            by_us=max(by_us.values(), default=None),
            tsas=tuple(sorted(tsas)),
        )

    def _renewals(self, put: Callable[[str, bytes], None], indices: list[int]) -> int:
        found = self._stamps.renewals(indices)
        for one in found:
            put(layout.stamp(one.pinned, "pem"), _pem(one.certificates))
        if found:
            put(layout.RENEWALS, b"".join(encode_line(_line(one)) for one in found))
        return len(found)


def _line(one: CarryingRenewal) -> RenewalLine:
    return RenewalLine(
        index=one.index,
        tsa=one.tsa,
        pinned=one.pinned,
        policy=one.policy,
        origin=one.origin,
        high=one.high,
        count=one.count,
        root=b64(one.root),
        token=b64(one.token),
        revocation=tuple(map(b64, one.revocation)),
        covers=tuple(
            Covered(index=held.index, place=held.place, path=tuple(map(b64, held.path))) for held in one.covers
        ),
    )


def _pem(certificates: tuple[bytes, ...]) -> bytes:
    return b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in certificates)
