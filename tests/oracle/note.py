"""Signed notes, verifier keys and checkpoints (C2SP signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature)."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import nacl.exceptions
import nacl.signing

from tests.oracle.errors import NotVerified

ED25519, COSIGNATURE = 1, 4
_DASH = "\u2014"
_MOST_LINES = 100
_LAST_TIME = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """A key that is trusted from outside: a log's (type 1) or a witness's (type 4)."""

    name: str
    key_id: bytes
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Reads `name+hexid+base64`; the id has to be the one that name, type and key give."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise NotVerified("verifier key", "is not name+id+key")
        name, key_id, blob = parts
        raw = strict_base64(blob, "verifier key")
        _check_name(name, "verifier key")
        if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE):
            raise NotVerified("verifier key", "is neither an Ed25519 key nor an Ed25519 cosignature key")
        computed = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if key_id != computed.hex():
            raise NotVerified("verifier key", f"has id {key_id}, its content gives {computed.hex()}")
        return cls(name=name, key_id=computed, kind=raw[0], public=raw[1:])


@dataclass(frozen=True, kw_only=True)
class Signature:
    """A verified line of a note; `time` is the witness's, in Unix seconds, and None for a log's own line."""

    key: VerifierKey
    time: int | None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A signed tree head whose signatures hold."""

    origin: str
    size: int
    root: bytes
    signatures: tuple[Signature, ...]


def strict_base64(text: str, where: str) -> bytes:
    """Decodes standard base64 and refuses any text that encoding the result would not give back."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NotVerified(where, "is not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise NotVerified(where, "is not canonical base64")
    return raw


def open_note(note: bytes, keys: Sequence[VerifierKey]) -> tuple[str, tuple[Signature, ...]]:
    """The text and the verified lines: at least one, and no line of a given key may fail."""
    if any(byte < 0x20 and byte != 0x0A for byte in note):
        raise NotVerified("note", "holds a control character")
    try:
        whole = note.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotVerified("note", "is not UTF-8") from error
    head, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise NotVerified("note", "has no signature lines after a blank line")
    text, lines = head + "\n", tail[:-1].split("\n")
    if len(lines) > _MOST_LINES:
        raise NotVerified("note", f"has more than {_MOST_LINES} signature lines")
    known = {(key.name, key.key_id): key for key in keys}
    verified: dict[tuple[str, bytes], Signature] = {}
    for number, line in enumerate(lines, 1):
        where = f"signature line {number}"
        name, raw = _split_line(line, where)
        key = known.get((name, raw[:4]))
        if key is not None:
            verified[name, raw[:4]] = _verify_line(key, text, raw[4:], where)
    if not verified:
        raise NotVerified("note", "carries no signature of a given key")
    return text, tuple(verified.values())


def open_checkpoint(note: bytes, keys: Sequence[VerifierKey], origin: str | None = None) -> Checkpoint:
    """The tree head in a note; its origin is the one given, else the name of the log key that signed it."""
    text, signatures = open_note(note, keys)
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise NotVerified("checkpoint", "has fewer than three lines, or an empty one")
    allowed = {origin} if origin else {line.key.name for line in signatures if line.key.kind == ED25519}
    if lines[0] not in allowed:
        raise NotVerified("checkpoint", f"is of {lines[0]!r}, not of {' or '.join(sorted(allowed)) or 'a known log'}")
    root = strict_base64(lines[2], "checkpoint root")
    if len(root) != 32:
        raise NotVerified("checkpoint root", "is not 32 bytes long")
    return Checkpoint(origin=lines[0], size=decimal(lines[1], "checkpoint size"), root=root, signatures=signatures)


def decimal(text: str, where: str) -> int:
    """A number from 0 to 2^63-1 in decimal without sign or leading zeros."""
    if not (text.isascii() and text.isdigit()) or (text != "0" and text[0] == "0") or len(text) > 19:
        raise NotVerified(where, f"{text!r} is not a plain decimal number")
    if int(text) > _LAST_TIME:
        raise NotVerified(where, f"{text} is too large")
    return int(text)


def _check_name(name: str, where: str) -> None:
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NotVerified(where, "has a name that is empty or holds a space or a plus sign")


def _split_line(line: str, where: str) -> tuple[str, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH:
        raise NotVerified(where, "is not a dash, a name and a signature")
    _check_name(parts[1], where)
    raw = strict_base64(parts[2], where)
    if len(raw) < 5:
        raise NotVerified(where, "is too short")
    return parts[1], raw


def _verify_line(key: VerifierKey, text: str, body: bytes, where: str) -> Signature:
    message, time = text.encode(), None
    if key.kind == COSIGNATURE:
        time, body = int.from_bytes(body[:8], "big"), body[8:]
        if time > _LAST_TIME:
            raise NotVerified(where, "has a time beyond 2^63-1")
        message = f"cosignature/v1\ntime {time}\n".encode() + message
    if len(body) != 64:
        raise NotVerified(where, f"does not hold the 64 bytes of a signature of {key.name}")
    try:
        nacl.signing.VerifyKey(key.public).verify(message, body)
    except nacl.exceptions.BadSignatureError as error:
        raise NotVerified(where, f"is not a signature of {key.name} over this text") from error
    return Signature(key=key, time=time)
