"""What stays outside the database is the pepper of the key provider; what is sealed under it, a stolen database is
worth nothing for.

Each use has a key of its own (HKDF-SHA-256, `trailseal/<use>/v1`) and is AES-256-GCM with a random nonce before it.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ledger.core.clock import WallClock
from ledger.core.errors import NotAuthenticated

NONCE_SIZE: Final = 12
MAX_STATE: Final = 4000

T = TypeVar("T")


class Cipher:
    """Seals and opens for one use."""

    def __init__(self, pepper: Callable[[], bytes], use: str) -> None:
        self._pepper = pepper
        self._use = f"trailseal/{use}/v1".encode()

    def seal(self, data: bytes, bound: str) -> bytes:
        """Data that only `open` with the same `bound` gives back."""
        nonce = secrets.token_bytes(NONCE_SIZE)
        return nonce + self._aead().encrypt(nonce, data, bound.encode())

    def open(self, data: bytes, bound: str) -> bytes:
        """What was sealed; raises InvalidTag for anything else."""
        if len(data) <= NONCE_SIZE:
            raise InvalidTag
        return self._aead().decrypt(data[:NONCE_SIZE], data[NONCE_SIZE:], bound.encode())

    def _aead(self) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, None, self._use).derive(self._pepper()))


class _Held(msgspec.Struct, frozen=True, kw_only=True):
    until_us: int
    nonce: str
    value: msgspec.Raw


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How long a state is good, and the random bits by which it is told apart and used once."""

    until_us: int
    nonce: str


class States:
    """What a caller carries from one step of an affair to the next, unreadable and unchangeable to them.

    Any process of the service opens it. It says what was shown and when it ends; it opens nothing by itself.
    """

    def __init__(self, clock: WallClock, pepper: Callable[[], bytes]) -> None:
        self._clock = clock
        self._cipher = Cipher(pepper, "state")

    def seal(self, purpose: str, value: object, seconds: int, nonce: str | None = None) -> str:
        """A state of that purpose, good for so long."""
        held = _Held(
            until_us=self._clock.now_us() + seconds * 1_000_000,
            nonce=nonce or secrets.token_hex(16),
            value=msgspec.Raw(msgspec.json.encode(value)),
        )
        return urlsafe_b64encode(self._cipher.seal(msgspec.json.encode(held), purpose)).decode().rstrip("=")

    def open(self, purpose: str, text: str, sort: type[T]) -> tuple[T, Held]:
        """What was sealed; raises NotAuthenticated for what was not, is of another purpose, or is over."""
        over = NotAuthenticated("this step took too long, or was begun elsewhere", advice="Begin again.")
        if len(text) > MAX_STATE:
            raise over
        try:
            data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            held = msgspec.json.decode(self._cipher.open(data, purpose), type=_Held)
        except (ValueError, InvalidTag):
            raise over from None
        if self._clock.now_us() >= held.until_us:
            raise over
        return msgspec.json.decode(held.value, type=sort), Held(until_us=held.until_us, nonce=held.nonce)
