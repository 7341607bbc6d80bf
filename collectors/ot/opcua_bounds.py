"""Reads OPC UA binary so that bytes cannot cost more than their number, whatever lengths they claim.

asyncua's decoder builds an array of two thousand million nulls, which takes no bytes, and goes back in its buffer for a
text of negative length. A `BoundedBuffer` is read only forwards, and no more often than its bytes allow, each null
counted.
"""

from typing import Any

from asyncua.common.utils import Buffer
from asyncua.ua import ua_binary
from asyncua.ua.uaerrors import UaError

KEPT = 65_536
"""So many bytes of a message that is refused are kept."""
_MOST_READS = 2_000_000
_READS_A_BYTE = 4
_READS_BESIDES = 100


class Refused(UaError):
    """What a server sent breaks a limit or the encoding; `data` is its head."""

    def __init__(self, reason: str, data: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data[:KEPT]


class BoundedBuffer(Buffer):
    """Parts of it (`copy`) share its bounds; what breaks them is `Refused`."""

    def __init__(self, data: bytes, start_pos: int = 0, size: int = -1, reads: list[int] | None = None) -> None:
        super().__init__(data, start_pos, size)
        self._reads = [min(_MOST_READS, _READS_BESIDES + _READS_A_BYTE * len(self))] if reads is None else reads

    def read(self, size: int) -> bytes:
        self._reads[0] -= 1
        if self._reads[0] < 0:
            raise Refused("it holds more values than it has bytes for", self._data)
        self._check(size)
        return super().read(size)

    def skip(self, size: int) -> None:
        self._check(size)
        super().skip(size)

    def copy(self, size: int = -1) -> "BoundedBuffer":
        if not 0 <= size <= len(self):
            size = len(self)
        return BoundedBuffer(self._data, self.cur_pos, size, self._reads)

    def since(self, start: int) -> bytes:
        """The bytes that were read since the position was `start`."""
        return self._data[start : self.cur_pos]

    def _check(self, size: int) -> None:
        if not 0 <= size <= len(self):
            raise Refused(f"it claims {size:,} bytes where {len(self):,} are left", self._data)


def _count_null(data: Any) -> None:
    """Decodes a null: no bytes, but one read."""
    data.read(0)


def _bound_nulls() -> None:
    """Nulls are all that asyncua decodes without bytes; everything else ends at the end of its buffer."""
    vars(ua_binary)["_Null"].unpack = staticmethod(_count_null)
    for cached in ("_create_uatype_deserializer", "_create_uatype_array_deserializer"):
        vars(ua_binary)[cached].cache_clear()


_bound_nulls()
