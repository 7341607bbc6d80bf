"""Offline proof bundles of C2SP tlog-proof: one leaf, its path, and the checkpoint it leads to, in one file."""

from typing import Final

import msgspec

from ledger.core.checkpoint import MAX_SIZE, SignedCheckpoint, parse_decimal
from ledger.core.errors import InvalidEntry, MalformedNote
from ledger.core.hashing import HASH_SIZE, b64, unb64
from ledger.core.merkle import verify_inclusion
from ledger.core.note import parse_note
from ledger.core.policy import Policy

HEADER: Final = "c2sp.org/tlog-proof@v1"
SUFFIX: Final = ".tlog-proof"
"""What the name of such a file ends in."""
MAX_HASHES: Final = 63
"""Most hashes that an inclusion proof in a tree of at most 2^63-1 leaves has."""


class TlogProof(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a proof bundle, unchecked; raises MalformedNote when no bundle could carry them."""

    index: int
    hashes: tuple[bytes, ...]
    """Inclusion proof, leaf side first."""
    checkpoint: bytes
    """The signed checkpoint, byte for byte."""
    extra: bytes | None = None
    """Not authenticated: of use only once it is hashed as the leaf."""

    def __post_init__(self) -> None:
        if not 0 <= self.index <= MAX_SIZE:
            raise MalformedNote(f"proof index {self.index} is out of bounds")
        if len(self.hashes) > MAX_HASHES or any(len(item) != HASH_SIZE for item in self.hashes):
            raise MalformedNote(f"proof has more than {MAX_HASHES} hashes or one that is not {HASH_SIZE} bytes")
        parse_note(self.checkpoint)

    @classmethod
    def parse(cls, data: bytes) -> "TlogProof":
        """Return the bundle that `data` is; raises MalformedNote on anything outside the format."""
        head, blank, checkpoint = data.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise MalformedNote(f"proof has a byte outside ASCII at {error.start}") from error
        if not blank or lines.pop(0) != HEADER:
            raise MalformedNote(f"proof does not start with {HEADER} and end its head in a blank line")
        extra = None
        try:
            if lines and lines[0].startswith("extra "):
                extra = unb64(lines.pop(0).removeprefix("extra "))
            if not lines or not lines[0].startswith("index "):
                raise MalformedNote("proof has no index line")
            index = parse_decimal(lines.pop(0).removeprefix("index "))
            hashes = tuple(unb64(line, HASH_SIZE) for line in lines)
        except MalformedNote:
            raise
        except InvalidEntry as error:
            raise MalformedNote(f"proof: {error}") from error
        return cls(index=index, hashes=hashes, checkpoint=checkpoint, extra=extra)

    def encode(self) -> bytes:
        """Return the bundle's bytes."""
        head = [HEADER]
        if self.extra is not None:
            head.append(f"extra {b64(self.extra)}")
        head.append(f"index {self.index}")
        head += (b64(item) for item in self.hashes)
        return "\n".join((*head, "", "")).encode("ascii") + self.checkpoint

    def verify(self, leaf_hash: bytes, policy: Policy) -> SignedCheckpoint:
        """Return the checkpoint only if the policy trusts it and the leaf is in its tree at `index`.

        `leaf_hash` comes from the application's own data. Raises MalformedNote, SignatureInvalid or ProofInvalid.
        """
        signed = policy.open(self.checkpoint)
        head = signed.checkpoint
        verify_inclusion(self.index, head.size, leaf_hash, self.hashes, head.root)
        return signed
