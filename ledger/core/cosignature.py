"""Cosignatures of C2SP tlog-cosignature: a witness says when this was the largest consistent tree it had seen.

Type 04 is Ed25519 over the whole checkpoint text; type 06 is ML-DSA-44 over origin, size and root (extension
lines are not covered). Their keys are note verifiers, so `open_note` takes them beside a log's own.
"""

from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from ledger.core.checkpoint import MAX_SIZE, Checkpoint
from ledger.core.clock import MICROSECONDS, WallClock
from ledger.core.errors import MalformedNote
from ledger.core.note import (
    ED25519,
    ED25519_KEY_SIZE,
    ED25519_SIGNATURE_SIZE,
    NoteSignature,
    Verifier,
    VerifierKey,
    ed25519_public_key,
    ed25519_sign,
    ed25519_verify,
    join_vkey,
    key_id,
    require_key_name,
    split_vkey,
)

COSIGNATURE: Final = 0x04
"""Type byte of an Ed25519 cosignature key."""
MLDSA44: Final = 0x06
"""Type byte of an ML-DSA-44 cosignature key."""
MLDSA44_KEY_SIZE: Final = 1312
MLDSA44_SIGNATURE_SIZE: Final = 2420

_TIME_SIZE = 8
_MAX_NAME = 255


class CosignatureKey(msgspec.Struct, frozen=True, kw_only=True):
    """A witness's Ed25519 public key (type 04)."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if len(self.public_key) != ED25519_KEY_SIZE:
            raise MalformedNote(f"Ed25519 key of {self.name} has {len(self.public_key)} bytes, not 32")

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ LF ‖ 04 ‖ key)."""
        return key_id(self.name, COSIGNATURE, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether time and signature are this witness's over the checkpoint text."""
        time = _time_of(signature, ED25519_SIGNATURE_SIZE)
        if time is None:
            return False
        return ed25519_verify(self.public_key, _ed25519_message(text, time), signature[_TIME_SIZE:])

    def __str__(self) -> str:
        return join_vkey(self.name, COSIGNATURE, self.public_key)


class MldsaKey(msgspec.Struct, frozen=True, kw_only=True):
    """An ML-DSA-44 public key (type 06) of a witness, or of a log that signs its own checkpoints so."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        require_key_name(self.name)
        require_short(self.name)
        if len(self.public_key) != MLDSA44_KEY_SIZE:
            raise MalformedNote(f"ML-DSA-44 key of {self.name} has {len(self.public_key)} bytes, not 1312")

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ LF ‖ 06 ‖ key)."""
        return key_id(self.name, MLDSA44, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether time and signature are this key's over the checkpoint that `text` is."""
        time = _time_of(signature, MLDSA44_SIGNATURE_SIZE)
        if time is None:
            return False
        try:
            message = mldsa_message(self.name, time, Checkpoint.parse(text.decode("utf-8")))
            MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature[_TIME_SIZE:], message)
        except (MalformedNote, InvalidSignature):
            return False
        return True

    def __str__(self) -> str:
        return join_vkey(self.name, MLDSA44, self.public_key)


class CosignatureSigner:
    """Cosigns checkpoints with an Ed25519 key that serves this one witness and nothing else."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the witness's name and 32 secret bytes."""
        self._seed = seed
        self.verifier = CosignatureKey(name=name, public_key=ed25519_public_key(seed))

    def sign(self, checkpoint: Checkpoint, time: int) -> NoteSignature:
        """Return the line that vouches for the checkpoint at `time`, in Unix seconds."""
        message = _ed25519_message(checkpoint.text().encode(), time)
        return _line(self.verifier, time, ed25519_sign(self._seed, message))


class MldsaSigner:
    """Cosigns checkpoints with an ML-DSA-44 key; its signatures are randomised (FIPS 204)."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take the cosigner's name and the 32 secret bytes from which the key is derived."""
        self._key = MLDSA44PrivateKey.from_seed_bytes(seed)
        self.verifier = MldsaKey(name=name, public_key=self._key.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint, time: int) -> NoteSignature:
        """Return the line that vouches for the checkpoint at `time`, in Unix seconds."""
        message = mldsa_message(self.verifier.name, time, checkpoint)
        return _line(self.verifier, time, self._key.sign(message))


class MldsaLogSigner:
    """Signs a log's own checkpoints with ML-DSA-44, beside the line of its Ed25519 key."""

    def __init__(self, origin: str, seed: bytes, clock: WallClock) -> None:
        """Take the log's origin, the key's 32 secret bytes, and the clock that gives a line its time."""
        self._signer = MldsaSigner(origin, seed)
        self._clock = clock
        self.verifier = self._signer.verifier

    def sign(self, text: str) -> NoteSignature:
        """Return the line over a checkpoint's text; raises MalformedNote on any other text."""
        return self._signer.sign(Checkpoint.parse(text), self._clock.now_us() // MICROSECONDS)


def parse_verifier(text: str) -> Verifier:
    """Return the key that a verifier key's text names, of any kind known here: 01, 04 or 06.

    Raises MalformedNote on a bad form, a wrong id or another kind.
    """
    name, kind, key = split_vkey(text)
    if kind == ED25519:
        return VerifierKey(name=name, public_key=key)
    if kind == COSIGNATURE:
        return CosignatureKey(name=name, public_key=key)
    if kind == MLDSA44:
        return MldsaKey(name=name, public_key=key)
    raise MalformedNote(f"verifier key of {name} has type {kind:02x}, which is not known here")


def parse_log_key(text: str) -> Verifier:
    """Return a key with which a log signs its own checkpoints, 01 or 06; raises MalformedNote on any other."""
    key = parse_verifier(text)
    if isinstance(key, CosignatureKey):
        raise MalformedNote(f"verifier key of {key.name} has type 04, which no log signs with")
    return key


def cosigned_at(signature: NoteSignature) -> int:
    """Return the Unix seconds that a cosignature line claims; raises MalformedNote on a line of another kind."""
    for size in (ED25519_SIGNATURE_SIZE, MLDSA44_SIGNATURE_SIZE):
        time = _time_of(signature.signature, size)
        if time is not None:
            return time
    raise MalformedNote(f"signature line of {signature.name} is not a cosignature")


def mldsa_message(name: str, time: int, checkpoint: Checkpoint) -> bytes:
    """Return what a type 06 key signs for a checkpoint: the subtree from 0 to its size."""
    origin = checkpoint.origin.encode()
    cosigner = name.encode()
    require_short(name)
    require_short(checkpoint.origin)
    return b"".join(
        (
            b"subtree/v1\n\x00",
            bytes([len(cosigner)]),
            cosigner,
            _time_bytes(time),
            bytes([len(origin)]),
            origin,
            bytes(8),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _ed25519_message(text: bytes, time: int) -> bytes:
    return b"cosignature/v1\ntime %d\n%b" % (time, text)


def _line(verifier: Verifier, time: int, signature: bytes) -> NoteSignature:
    return NoteSignature(name=verifier.name, key_id=verifier.key_id, signature=_time_bytes(time) + signature)


def _time_bytes(time: int) -> bytes:
    if not 0 <= time <= MAX_SIZE:
        raise MalformedNote(f"cosignature time {time} is out of bounds")
    return time.to_bytes(_TIME_SIZE, "big")


def _time_of(signature: bytes, size: int) -> int | None:
    """The time before a signature of `size` bytes; None when the length or the time is out of bounds."""
    if len(signature) != _TIME_SIZE + size:
        return None
    time = int.from_bytes(signature[:_TIME_SIZE], "big")
    return time if time <= MAX_SIZE else None


def require_short(name: str) -> None:
    """Raise MalformedNote unless a type 06 key can sign for this name or origin: 1 to 255 bytes."""
    if not 1 <= len(name.encode()) <= _MAX_NAME:
        raise MalformedNote(f"name is not 1 to {_MAX_NAME} bytes long: {name[:100]!r}")
