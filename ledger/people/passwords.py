"""Passwords: how each is stored, and which are too weak. A password itself is never kept, logged or answered.

What is stored is Argon2id's own text with its parameters and salt (RFC 9106), a secret of the vault. A hash of weaker
parameters than today's is made anew when the password is next shown.
"""

import secrets
import unicodedata
from typing import Annotated, Final

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from ledger.core.errors import SchemaViolation
from ledger.core.hashing import b64

MAX_LENGTH: Final = 128
LEAST_GUESSES_LOG10: Final = 8
"""A password that lists of leaked and common ones reach within 10^8 guesses is refused, however long it is."""
_LOOKED_AT: Final = 72
"""Characters that the estimate looks at: its time grows with the square of them."""

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=4 * MAX_LENGTH)]
"""A password as a request bears it; how long it must be, the profile says."""


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a password costs, here and whoever guesses at a stolen hash (Argon2id).

    `refusal_s`: no refusal is answered before so long, so that its time tells nothing.
    """

    rounds: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 1
    refusal_s: float = 1.0


class Passwords:
    """Safe to use from any number of threads; each call takes the time and memory of its `Effort`."""

    def __init__(self, effort: Effort = Effort()) -> None:  # noqa: B008 - frozen
        self.effort = effort
        self._hasher = PasswordHasher(effort.rounds, effort.memory_kib, effort.lanes)
        self._nobody = _nobodys(effort)

    def keep(self, password: str) -> str:
        """What is stored of a password."""
        return self._hasher.hash(_normal(password))

    def matches(self, kept: str, password: str) -> bool:
        """Whether this is the password that was stored so."""
        try:
            return self._hasher.verify(kept, _normal(password))
        except (VerificationError, InvalidHashError):
            return False

    def matches_nothing(self, password: str) -> bool:
        """Takes as long as `matches`, for a name that has no password; False."""
        self.matches(self._nobody, password)
        return False

    def is_weaker(self, kept: str) -> bool:
        """Whether it was stored with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)


def require_strong(password: str, least: int, words: tuple[str, ...], what: str = "the password") -> None:
    """Raises SchemaViolation, with what to do, for a password that is too short, too long or easily guessed.

    `words`: names of its person; a password that holds one is refused.
    """
    text = _normal(password)
    if len(text) < least:
        raise SchemaViolation(f"{what} is shorter than {least} characters", advice="Take several words.")
    if len(text) > MAX_LENGTH:
        raise SchemaViolation(f"{what} is longer than {MAX_LENGTH} characters", advice="Take a shorter one.")
    low = text.casefold()
    parts = {part for word in words for part in _normal(word).casefold().split() if len(part) > 2}
    if any(part in low for part in parts):
        raise SchemaViolation(
            f"{what} holds a name of its person", advice="Take words that have nothing to do with you."
        )
    from zxcvbn import zxcvbn  # its word lists take long to load, and only a new password is held against them

    found = zxcvbn(text[:_LOOKED_AT], user_inputs=sorted(parts))
    if found["guesses_log10"] < LEAST_GUESSES_LOG10:
        raise SchemaViolation(
            f"{what} stands in lists of common passwords, or is made of a few common parts",
            advice="Take several words that don't belong together.",
        )


def _nobodys(effort: Effort) -> str:
    """What no password was ever stored as, in Argon2's own form: making a real one would cost each start its time."""
    salt, digest = (b64(secrets.token_bytes(size)).rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={effort.memory_kib},t={effort.rounds},p={effort.lanes}${salt}${digest}"


def _normal(text: str) -> str:
    """The same characters however a keyboard composed them (RFC 8265)."""
    return unicodedata.normalize("NFC", text)
