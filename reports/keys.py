"""How a verifier key is shown so that a person can compare it."""

from hashlib import sha256

from ledger.present.values import grouped

FINGERPRINT_BYTES = 16
"""A fingerprint that people compare has 128 bits at least; the 32-bit key id is none."""


def fingerprint(vkey: str) -> str:
    """The first 128 bits of SHA-256 over the verifier key's text, in groups of four digits."""
    return " ".join(grouped(sha256(vkey.encode()).digest()[:FINGERPRINT_BYTES]))
