"""Every hash is SHA-256 over a prefix of one closed registry, so no hash can pass for another kind.

    0x00 leaf (RFC 6962)    0x01 node (RFC 6962)    0x02 body commitment
    0x03 sealed value       0x04 original           0x06 run chain

Commitments carry a salt of 32 random bytes: without it a short value could be guessed from its digest.
"""

import binascii
from hashlib import sha256
from typing import Final

from ledger.core.errors import InvalidEntry

LEAF: Final = b"\x00"
NODE: Final = b"\x01"
BODY: Final = b"\x02"
SEALED: Final = b"\x03"
ORIGINAL: Final = b"\x04"
RUN: Final = b"\x06"

HASH_SIZE: Final = 32
"""Bytes of every hash and every salt."""

ZERO_HASH: Final = bytes(HASH_SIZE)
"""What stands for the previous hash where there is none: before entry 0 and before the first run."""

EMPTY_ROOT: Final = sha256(b"").digest()
"""Root of the tree of size 0 (RFC 6962 2.1)."""


def leaf_hash(data: bytes) -> bytes:
    """Return the tree's hash of a leaf with this leaf data (RFC 6962 2.1)."""
    return sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the tree's hash of an inner node (RFC 6962 2.1); both halves are 32 bytes."""
    return sha256(NODE + left + right).digest()


def body_commitment(salt: bytes, body: bytes) -> bytes:
    """Return what a leaf holds in place of its body; raises InvalidEntry unless the salt has 32 bytes."""
    return _committed(BODY, salt, body)


def sealed_commitment(salt: bytes, value: bytes) -> bytes:
    """Return what a body holds in place of a sealed value (canonical JSON); raises like the above."""
    return _committed(SEALED, salt, value)


def original_commitment(salt: bytes, data: bytes) -> bytes:
    """Return what a body holds in place of an original's bytes; raises like the above."""
    return _committed(ORIGINAL, salt, data)


def run_chain(previous: bytes, leaf: bytes) -> bytes:
    """Return the next link of a source's run chain: H_n = SHA-256(0x06 ‖ H_{n-1} ‖ leaf hash).

    The first link continues ZERO_HASH. Raises InvalidEntry unless both are 32 bytes.
    """
    if len(previous) != HASH_SIZE or len(leaf) != HASH_SIZE:
        raise InvalidEntry(f"run chain needs two hashes of {HASH_SIZE} bytes, got {len(previous)} and {len(leaf)}")
    return sha256(RUN + previous + leaf).digest()


def b64(data: bytes) -> str:
    """Return standard base64 with padding, one line (RFC 4648 section 4)."""
    return binascii.b2a_base64(data, newline=False).decode()


def unb64(text: str, size: int | None = None) -> bytes:
    """Decode base64 only in its one correct spelling, and only to `size` bytes where given.

    Raises InvalidEntry on other alphabets, white space, missing or needless padding, and stray bits.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise InvalidEntry(f"not strict base64: {text[:60]!r}") from error
    if b64(data) != text:
        raise InvalidEntry(f"not strict base64: {text[:60]!r}")
    if size is not None and len(data) != size:
        raise InvalidEntry(f"base64 holds {len(data)} bytes where {size} are due: {text[:60]!r}")
    return data


def _committed(prefix: bytes, salt: bytes, data: bytes) -> bytes:
    if len(salt) != HASH_SIZE:
        raise InvalidEntry(f"salt has {len(salt)} bytes where {HASH_SIZE} are due")
    return sha256(prefix + salt + data).digest()
