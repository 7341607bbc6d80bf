"""What identifies a syslog message, which carries no identity of its own.

A keyed digest (HMAC-SHA-256, 128 bits) of the sender's address and the whole message, so of its time, host, MSGID and
text; and which one it is among equal ones:

- When the time has fractions of a second, equal messages are counted in each connection anew: a message that a sender
  repeats after a break, as it can't know what arrived, is the same record again.
- Else equal messages may well be two events, and the time of reception is part of the digest: what is repeated after a
  break is then a second record. Rather told twice than not told.

The key stands in the snapshot only: a digest in a record tells nothing about what is withheld from it.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections import OrderedDict
from itertools import count
from typing import Final

_FINE: Final = re.compile(rb"<[0-9]{1,3}>1 [0-9T:-]{19}\.[0-9]{1,6}[Z+-]")
_REMEMBERED: Final = 4096
"""So many messages of a connection are remembered to count equal ones."""


class Identities:
    """Gives the messages of one connection their identities."""

    _everywhere = count(1)

    def __init__(self, key: bytes, peer: str) -> None:
        self._key = key
        self._peer = peer.encode() + b"\x00"
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def of(self, data: bytes, received: str) -> str:
        """The identity of the next message."""
        if _FINE.match(data) is None:
            reception = f"{received}/{next(self._everywhere)}".encode() + b"\x00"
            return _text(hmac.digest(self._key, self._peer + reception + data, "sha256"))
        digest = hmac.digest(self._key, self._peer + data, "sha256")[:16]
        number = self._seen.pop(digest, 0) + 1
        self._seen[digest] = number
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return _text(digest) if number == 1 else f"{_text(digest)}/{number}"


def _text(digest: bytes) -> str:
    return urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
