"""Takes time-stamps along into a package: of the checkpoints that first date its records, and who made them."""

from collections.abc import Callable
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from ledger.core.hashing import b64
from ledger.trace.stamps import Stamps
from reports import layout
from reports.lines import StampLine, encode_line

MAX_CHECKPOINTS: Final = 10
"""Checkpoints of which one package has time-stamps; where more would date its records, some are dated later by it."""


class Stamping:
    """Told of the records as they are written, it chooses the checkpoints."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._sizes: set[int] = set()

    def record(self, index: int) -> None:
        """Takes a record of the package."""
        size = self._stamps.first_over(index)
        if size is not None:
            self._sizes.add(size)

    def write(self, put: Callable[[str, bytes], None]) -> int:
        """Puts time-stamps, checkpoints and certificates into the package; returns how many time-stamps."""
        sizes = sorted(self._sizes)
        if len(sizes) > MAX_CHECKPOINTS:
            step = len(sizes) / MAX_CHECKPOINTS
            sizes = [sizes[int((at + 1) * step) - 1] for at in range(MAX_CHECKPOINTS)]
        lines = []
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
        if lines:
            put(layout.STAMPS, b"".join(lines))
        return len(lines)


def _pem(certificates: tuple[bytes, ...]) -> bytes:
    return b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in certificates)
