"""The ledger's keyed digests: a record is known again by one, whichever of the ledger's secrets it was made under."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC


class Digests:
    """HMAC-SHA-256 under the secret in use; and under those before it, for what was entered in their time."""

    __slots__ = ("_before", "_in_use", "keys")

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Takes the secret in use first, then the earlier ones."""
        self.keys = tuple(digest_key_id(secret) for secret in secrets)
        self._in_use, *self._before = [_under(secret) for secret in secrets]

    @property
    def key(self) -> str:
        """The id of the secret in use, as its key event names it; it tells nothing of the secret."""
        return self.keys[0]

    def __call__(self, data: bytes) -> bytes:
        """The digest under the secret in use."""
        return self._in_use(data)

    def before(self, data: bytes) -> tuple[bytes, ...]:
        """The digests that the same data had under the earlier secrets."""
        return tuple(digest(data) for digest in self._before)

    def every(self, data: bytes) -> tuple[bytes, ...]:
        """The digest under the secret in use, and under each earlier one."""
        return (self._in_use(data), *self.before(data))


def digest_key_id(secret: bytes) -> str:
    """The id of a secret: 64 bits of a hash in a domain of its own."""
    return sha256(b"trailseal/digest-key-id/v1\n" + secret).hexdigest()[:16]


def _under(secret: bytes) -> Callable[[bytes], bytes]:
    keyed = HMAC(secret, SHA256())

    def digest(data: bytes) -> bytes:
        # A copy of what has taken the key in already takes half the time of a start with the key: it is done once for
        # each record.
        own = keyed.copy()
        own.update(data)
        return own.finalize()

    return digest
