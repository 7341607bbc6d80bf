"""Checkpoints of C2SP tlog-checkpoint v1.0.0: the signed head of a log, and nothing else may look like one."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from ledger.core.errors import InvalidEntry, MalformedNote, SignatureInvalid
from ledger.core.hashing import HASH_SIZE, b64, unb64
from ledger.core.note import NoteSignature, Verifier, open_note, require_note_text

MAX_SIZE: Final = 2**63 - 1
"""Largest tree size, index and time that any format here carries."""

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a log at one size, unsigned; raises MalformedNote when no note could carry it."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= MAX_SIZE:
            raise MalformedNote(f"checkpoint size {self.size} is out of bounds")
        if len(self.root) != HASH_SIZE:
            raise MalformedNote(f"checkpoint root has {len(self.root)} bytes where {HASH_SIZE} are due")
        for line in (self.origin, *self.extensions):
            if not line or "\n" in line:
                raise MalformedNote(f"not a line of a checkpoint: {line[:100]!r}")
        require_note_text(self.text())

    def text(self) -> str:
        """Return the note text: what log, witnesses and time-stamps sign."""
        return "\n".join((self.origin, str(self.size), b64(self.root), *self.extensions, ""))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Return the checkpoint that a note text is; raises MalformedNote on any other text."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop():
            raise MalformedNote("checkpoint has fewer than three complete lines")
        origin, size, root, *extensions = lines
        try:
            root_hash = unb64(root, HASH_SIZE)
        except InvalidEntry as error:
            raise MalformedNote(f"checkpoint root: {error}") from error
        return cls(origin=origin, size=parse_decimal(size), root=root_hash, extensions=tuple(extensions))


class SignedCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that a key of its log signed; `verified` names each known key whose line verified."""

    checkpoint: Checkpoint
    verified: tuple[NoteSignature, ...]
    unverified: tuple[NoteSignature, ...]


def open_checkpoint(
    data: bytes, origin: str, verifiers: Iterable[Verifier], *, witnesses: Iterable[Verifier] = ()
) -> SignedCheckpoint:
    """Return the checkpoint only if it is of `origin`, one of the log's `verifiers` signed it and no known line
    fails.

    Witness lines count as verified when their key is among `witnesses`, and never in place of the log's. Raises
    MalformedNote on a bad format or another origin, SignatureInvalid on a failing or missing signature.
    """
    log_keys = tuple(verifiers)
    note = open_note(data, (*log_keys, *witnesses))
    checkpoint = Checkpoint.parse(note.text)
    if checkpoint.origin != origin:
        raise MalformedNote(f"checkpoint is of origin {checkpoint.origin!r} where {origin!r} is due")
    ours = {(key.name, key.key_id) for key in log_keys}
    if not any((signature.name, signature.key_id) in ours for signature in note.verified):
        raise SignatureInvalid(f"no known key of the log {origin} signed the checkpoint")
    return SignedCheckpoint(checkpoint=checkpoint, verified=note.verified, unverified=note.unverified)


def parse_decimal(text: str) -> int:
    """Return a number written in plain decimal, at most 2^63-1; raises MalformedNote on any other spelling."""
    if _DECIMAL.fullmatch(text) is None or int(text) > MAX_SIZE:
        raise MalformedNote(f"not a decimal number within bounds: {text[:40]!r}")
    return int(text)
