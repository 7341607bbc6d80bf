"""Signed notes of C2SP signed-note v1.0.0: a text that anybody can read, with the lines that vouch for it.

    <text, ends in LF> LF (— <key name> <base64(key id ‖ signature)> LF)+

Signed is the text with its last LF. Each kind of key is a `Verifier`: Ed25519 here, cosignatures in
`ledger.core.cosignature`.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Protocol

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from ledger.core.errors import InvalidEntry, MalformedNote, SignatureInvalid
from ledger.core.hashing import b64, unb64

ED25519: Final = 0x01
"""Type byte of a plain Ed25519 key."""

KEY_ID_SIZE: Final = 4
ED25519_KEY_SIZE: Final = 32
ED25519_SIGNATURE_SIZE: Final = 64
MAX_SIGNATURES: Final = 100
"""Most signature lines that a note may have, as in Go's implementation."""

_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NOT_IN_NAME = re.compile(r"[\s+\x00-\x1f\ud800-\udfff]")


class Verifier(Protocol):
    """A public key of any kind that signs notes."""

    @property
    def name(self) -> str:
        """The key's name, as it stands in the signature line."""
        ...

    @property
    def key_id(self) -> bytes:
        """The four bytes that tell keys of one name apart; not a fingerprint."""
        ...

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether `signature` (what follows the key id) is this key's over the note text."""
        ...


class PrivateKey(Protocol):
    """An Ed25519 key that signs where it is kept (a key provider, a security module) and is not given away."""

    @property
    def public_key(self) -> bytes:
        """The 32 bytes by which its signatures are verified."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte Ed25519 signature (RFC 8032) over the message."""
        ...


SigningSecret = bytes | PrivateKey
"""What signs: the 32 secret bytes of a seed, or a key that signs by itself."""


class NoteSignature(msgspec.Struct, frozen=True, kw_only=True):
    """One signature line; says nothing about whether it verifies."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, with its LF."""
        return f"{_DASH}{self.name} {b64(self.key_id + self.signature)}\n"


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """A note as it was parsed; none of its signatures was checked."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """Return the note's bytes."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()


class OpenedNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note of which at least one known key's signature verified, and none failed."""

    text: str
    verified: tuple[NoteSignature, ...]
    """One for each known key, in the order of the note."""
    unverified: tuple[NoteSignature, ...]
    """Lines of keys that are not known here: they prove nothing."""


class VerifierKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 public key (type 01) with its name, written `name+id+base64`."""

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        require_key_name(self.name)
        if len(self.public_key) != ED25519_KEY_SIZE:
            raise MalformedNote(f"Ed25519 key of {self.name} has {len(self.public_key)} bytes, not 32")

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Return the key that `text` writes; raises MalformedNote on another kind of key or a wrong id."""
        name, kind, key = split_vkey(text)
        if kind != ED25519:
            raise MalformedNote(f"verifier key of {name} has type {kind:02x} where 01 (Ed25519) is due")
        return cls(name=name, public_key=key)

    @property
    def key_id(self) -> bytes:
        """First four bytes of SHA-256(name ‖ LF ‖ 01 ‖ key)."""
        return key_id(self.name, ED25519, self.public_key)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's over these bytes."""
        return ed25519_verify(self.public_key, text, signature)

    def __str__(self) -> str:
        return join_vkey(self.name, ED25519, self.public_key)


class Signer(Protocol):
    """Whatever puts a line under a note."""

    @property
    def verifier(self) -> Verifier:
        """The key by which its lines are verified; its text form is what a key event names."""
        ...

    def sign(self, text: str) -> NoteSignature:
        """Return the signature line over a note text; raises MalformedNote on text that it does not sign."""
        ...


class NoteSigner:
    """Signs notes with an Ed25519 key; the key never shows in its repr."""

    def __init__(self, name: str, key: SigningSecret) -> None:
        """Take a key name and what signs; raises MalformedNote on a name no note can hold."""
        self._key = key
        self.verifier = VerifierKey(name=name, public_key=ed25519_public_key(key))

    def sign(self, text: str) -> NoteSignature:
        """Return the signature line over a note text; raises MalformedNote on text that no note can hold."""
        signature = ed25519_sign(self._key, require_note_text(text))
        return NoteSignature(name=self.verifier.name, key_id=self.verifier.key_id, signature=signature)


def parse_note(data: bytes) -> Note:
    """Return the parts of a note, unchecked; raises MalformedNote on anything outside the format."""
    try:
        content = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedNote(f"note is not UTF-8 at byte {error.start}") from error
    if _CONTROL.search(content) is not None:
        raise MalformedNote("note holds a control character")
    text, blank, lines = content.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise MalformedNote("note does not end in a blank line and complete signature lines")
    signatures = tuple(_parse_line(line) for line in lines[:-1].split("\n"))
    if len(signatures) > MAX_SIGNATURES:
        raise MalformedNote(f"note has {len(signatures)} signature lines, more than {MAX_SIGNATURES}")
    return Note(text=text + "\n", signatures=signatures)


def open_note(data: bytes, verifiers: Iterable[Verifier]) -> OpenedNote:
    """Return the note only if a known key signed it and no line of a known key fails.

    Each known key counts once, by its first line. Raises MalformedNote on a bad format, SignatureInvalid when
    any line of a known key fails, when two of the keys cannot be told apart, or when no known key signed.
    """
    note = parse_note(data)
    known: dict[tuple[str, bytes], list[Verifier]] = {}
    for verifier in verifiers:
        known.setdefault((verifier.name, verifier.key_id), []).append(verifier)
    text = note.text.encode()
    verified: dict[tuple[str, bytes], NoteSignature] = {}
    unverified: dict[NoteSignature, None] = {}
    for signature in note.signatures:
        key = (signature.name, signature.key_id)
        if key not in known:
            unverified[signature] = None
            continue
        if len(known[key]) > 1:
            raise SignatureInvalid(f"two keys are named {signature.name}+{signature.key_id.hex()}")
        if not known[key][0].verify(text, signature.signature):
            raise SignatureInvalid(f"signature of {signature.name}+{signature.key_id.hex()} does not verify")
        verified.setdefault(key, signature)
    if not verified:
        names = ", ".join(sorted({f"{name}+{ident.hex()}" for name, ident in known})) or "none was given"
        raise SignatureInvalid(f"no known key signed the note (known: {names})")
    return OpenedNote(text=note.text, verified=tuple(verified.values()), unverified=tuple(unverified))


def sign_note(text: str, signers: Iterable[Signer]) -> bytes:
    """Return the note of this text with a line of each signer, in order."""
    return Note(text=text, signatures=tuple(signer.sign(text) for signer in signers)).encode()


def with_lines(note: bytes, lines: Iterable[str]) -> bytes:
    """Return a note with more signature lines (each without its LF) after those that it has."""
    return note + "".join(f"{line}\n" for line in lines).encode()


def require_note_text(text: str) -> bytes:
    """Return the bytes that are signed; raises MalformedNote on text that a note cannot hold."""
    if not text.endswith("\n") or _CONTROL.search(text) is not None:
        raise MalformedNote("note text must end in a line feed and hold no other control character")
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MalformedNote("note text holds a lone surrogate, which is not a character") from error


def require_key_name(name: str) -> None:
    """Raise MalformedNote unless `name` can stand in a signature line: no white space, no `+`, not empty."""
    if not name or _NOT_IN_NAME.search(name) is not None:
        raise MalformedNote(f"not a key name: {name[:100]!r}")


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """Return the four-byte id of a key: SHA-256(name ‖ LF ‖ type byte ‖ key), cut."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:KEY_ID_SIZE]


def join_vkey(name: str, kind: int, key: bytes) -> str:
    """Return the text form of a verifier key."""
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def split_vkey(text: str) -> tuple[str, int, bytes]:
    """Return name, type byte and key of a verifier key; raises MalformedNote on a bad form or a wrong id."""
    name, _, rest = text.partition("+")
    ident, _, encoded = rest.partition("+")
    require_key_name(name)
    try:
        data = unb64(encoded)
    except InvalidEntry as error:
        raise MalformedNote(f"verifier key of {name}: {error}") from error
    if not data:
        raise MalformedNote(f"verifier key of {name} is incomplete")
    kind, key = data[0], data[1:]
    right = key_id(name, kind, key).hex()
    if ident != right:
        raise MalformedNote(f"verifier key of {name} has id {ident[:20]!r} where {right} is due")
    return name, kind, key


def ed25519_public_key(key: SigningSecret) -> bytes:
    """Return the 32-byte public key of what signs."""
    return bytes(SigningKey(key).verify_key) if isinstance(key, bytes) else key.public_key


def ed25519_sign(key: SigningSecret, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature (RFC 8032) over the message."""
    return SigningKey(key).sign(message).signature if isinstance(key, bytes) else key.sign(message)


def ed25519_verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over the message (RFC 8032, by libsodium's strict rules)."""
    if len(signature) != ED25519_SIGNATURE_SIZE:
        return False
    try:
        VerifyKey(public_key).verify(message, signature)
    except BadSignatureError:
        return False
    return True


def _parse_line(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise MalformedNote(f"not a signature line: {line[:100]!r}")
    require_key_name(name)
    try:
        data = unb64(encoded)
    except InvalidEntry as error:
        raise MalformedNote(f"signature line of {name}: {error}") from error
    if len(data) <= KEY_ID_SIZE:
        raise MalformedNote(f"signature line of {name} holds no signature")
    return NoteSignature(name=name, key_id=data[:KEY_ID_SIZE], signature=data[KEY_ID_SIZE:])
