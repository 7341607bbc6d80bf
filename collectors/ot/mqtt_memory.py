"""Which messages were handed over although the broker may not know it yet: told by packet id and content.

A message that comes again on a later connection, because its acknowledgement did not reach the broker, has the flag
DUP, the packet id that it had, and the same content. So a batch's cursor names the messages that were handed over and
whose acknowledgement is not proven to have arrived. A ping sent after an acknowledgement and answered proves it, as
MQTT answers in order. On a connection, what the cursor named is forgotten after `_SECONDS`: a broker sends again
first what it has to send again.

No more than `LIMIT` messages are remembered. An MQTT 5 broker has no more under way, as it is told so; of one of 3.1.1
that has more, the oldest are known by their `source_record_id` alone.
"""

from base64 import b64decode, b64encode
from collections import deque
from hashlib import blake2b
from time import monotonic
from typing import Final

from ledger.core.errors import FatalSource

LIMIT: Final = 3000
_SECONDS: Final = 30.0
_DIGEST: Final = 6
_ENTRY: Final = 2 + _DIGEST


class Memory:
    """What one connection has to remember. `text` is what a cursor keeps of it."""

    def __init__(self, text: str) -> None:
        """Raises FatalSource for a text that `text` did not write."""
        try:
            data = b64decode(text, validate=True)
        except ValueError:
            data = b"?"
        if len(data) % _ENTRY:
            raise FatalSource("the memory in the cursor of an MQTT source cannot be read")
        parts = (data[at : at + _ENTRY] for at in range(0, len(data), _ENTRY))
        self._before = {int.from_bytes(part[:2]): part for part in parts}
        self._until = monotonic() + _SECONDS
        self._handed: deque[bytes] = deque()
        self._asked = 0

    def is_again(self, packet_id: int, topic: str, payload: bytes, *, flagged: bool) -> bool:
        """Whether this message was handed over on an earlier connection; `flagged`: it has the flag DUP."""
        if not self._before:
            return False
        known = self._before.get(packet_id)
        if known is None:
            return False
        if flagged and known == _entry(packet_id, topic, payload):
            return True
        del self._before[packet_id]
        return False

    def add(self, packet_id: int, topic: str, payload: bytes) -> None:
        """A message that the next batch hands over."""
        self._handed.append(_entry(packet_id, topic, payload))
        if len(self._handed) > LIMIT:
            self._handed.popleft()
            self._asked = max(0, self._asked - 1)

    def ask(self) -> None:
        """A ping goes out now, after everything in memory was acknowledged."""
        self._asked = len(self._handed)

    def answered(self) -> None:
        """That ping was answered."""
        for _ in range(self._asked):
            self._handed.popleft()
        self._asked = 0
        if self._before and monotonic() > self._until:
            self._before.clear()

    @property
    def waiting(self) -> bool:
        """Whether something is here that an answered ping would let go."""
        return not self._asked and bool(self._handed or (self._before and monotonic() > self._until))

    @property
    def text(self) -> str:
        return b64encode(b"".join((*self._before.values(), *self._handed)[-LIMIT:])).decode("ascii")


def _entry(packet_id: int, topic: str, payload: bytes) -> bytes:
    return packet_id.to_bytes(2) + blake2b(topic.encode() + b"\x00" + payload, digest_size=_DIGEST).digest()
