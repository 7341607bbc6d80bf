"""Signatures of Trailseal's own, each bound to one purpose and one log, so that none can pass for another.

All but the C2SP formats sign `trailseal/<purpose>/v1` LF ‖ canonical JSON that names the origin. A key serves one
purpose. Two lines can never be a checkpoint, which has three at least.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ledger.core.canonical import dumps, require_canonical
from ledger.core.errors import InvalidEntry, MalformedNote, SignatureInvalid
from ledger.core.note import (
    NoteSigner,
    SigningSecret,
    VerifierKey,
    ed25519_sign,
    ed25519_verify,
    open_note,
    sign_note,
)


class Purpose(StrEnum):
    """The closed set of things that a statement's signature can mean."""

    REPORT = "report"
    BATCH = "batch"
    RECEIPT = "receipt"
    STATEMENT = "statement"
    KEY_BINDING = "key-binding"
    CARD = "card"
    BUNDLE = "bundle"
    NOTICE = "notice"
    LOG_KEY = "log-key"
    TIME_EPOCH = "time-epoch"


def statement_message(purpose: Purpose, origin: str, payload: Mapping[str, object]) -> bytes:
    """Return the bytes that a statement's signature covers.

    `payload` becomes canonical JSON with `origin` as a member of it. Raises InvalidEntry when it names another
    origin, or none is given, NotCanonical when it has no canonical form.
    """
    if not origin or payload.get("origin", origin) != origin:
        raise InvalidEntry(f"a {purpose} statement for {origin!r} names origin {payload.get('origin')!r}")
    return b"trailseal/%b/v1\n%b" % (Purpose(purpose).encode(), dumps({**payload, "origin": origin}))


def sign_statement(purpose: Purpose, origin: str, payload: Mapping[str, object], key: SigningSecret) -> bytes:
    """Return the 64-byte Ed25519 signature over the statement; raises as `statement_message`."""
    return ed25519_sign(key, statement_message(purpose, origin, payload))


def verify_statement(
    purpose: Purpose, origin: str, payload: Mapping[str, object], public_key: bytes, signature: bytes
) -> None:
    """Return only if the key signed exactly this statement, else raise SignatureInvalid."""
    if not ed25519_verify(public_key, statement_message(purpose, origin, payload), signature):
        raise SignatureInvalid(f"signature over the {purpose} statement for {origin} does not verify")


def report_key_name(origin: str) -> str:
    """Return the name of the key that signs a log's reports, never that of its checkpoints."""
    return f"{origin}/report"


def receipt_key_name(origin: str) -> str:
    """Return the name of the key that signs a log's receipts."""
    return f"{origin}/receipt"


def sign_report(origin: str, payload: Mapping[str, object], key: SigningSecret) -> bytes:
    """Return the signed note of a report: the report statement's two lines and the report key's signature."""
    text = statement_message(Purpose.REPORT, origin, payload).decode() + "\n"
    return sign_note(text, [NoteSigner(report_key_name(origin), key)])


def open_report(data: bytes, origin: str, key: VerifierKey) -> dict[str, Any]:
    """Return a report note's payload, with its `origin`, only if the log's report key signed it.

    Raises MalformedNote on a note that is no report of this origin, SignatureInvalid as `open_note`.
    """
    if key.name != report_key_name(origin):
        raise SignatureInvalid(f"key {key.name} does not sign reports of {origin}")
    return open_statement(Purpose.REPORT, origin, open_note(data, [key]).text)


def open_statement(purpose: Purpose, origin: str, text: str) -> dict[str, Any]:
    """Return the payload of a statement that is a note's text; raises MalformedNote for another purpose or origin."""
    head, _, body = text.removesuffix("\n").partition("\n")
    if head != f"trailseal/{purpose}/v1":
        raise MalformedNote(f"note is no {purpose} of {origin}")
    payload = require_canonical(body.encode())
    if not isinstance(payload, dict) or payload.get("origin") != origin:
        raise MalformedNote(f"note is no {purpose} of {origin}")
    return payload
