"""A notice as a webhook sends it: the receiver holds a public key and no secret.

The body is canonical JSON that names the ledger's system log (`origin`) and the instant at which it was sent
(`sent_at`). The header `Trailseal-Signature` is `<key id> <signature>`: 8 hex digits, a space, and in base64 the
Ed25519 signature over

    trailseal/notice/v1 LF ‖ body

by the key whose key event in the system log names purpose `notice`. A receiver checks the signature over the bytes as
they came, that `sent_at` is not older than it allows, and that it has not had this `notice` before.
"""

from typing import Any, Final

from ledger.core.canonical import dumps, require_canonical
from ledger.core.clock import parse_utc
from ledger.core.errors import InvalidEntry, SignatureInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.note import SigningSecret, VerifierKey, ed25519_public_key
from ledger.core.statement import Purpose, sign_statement, verify_statement

HEADER: Final = "Trailseal-Signature"
MAX_AGE_US: Final = 300_000_000
"""How old a notice may be when it arrives, unless the receiver says otherwise."""


def notice_key_name(origin: str) -> str:
    """Return the name of the key that signs notices, never that of the log's checkpoints."""
    return f"{origin}/notice"


def seal_notice(origin: str, payload: dict[str, object], signer: SigningSecret) -> tuple[bytes, str]:
    """Return the body and the signature header of a notice."""
    body = dumps({**payload, "origin": origin})
    key = VerifierKey(name=notice_key_name(origin), public_key=ed25519_public_key(signer))
    signature = sign_statement(Purpose.NOTICE, origin, payload, signer)
    return body, f"{key.key_id.hex()} {b64(signature)}"


def open_notice(
    body: bytes, header: str, key: VerifierKey, origin: str, now_us: int, max_age_us: int = MAX_AGE_US
) -> dict[str, Any]:
    """Return the notice only if the key signed exactly this body, for this origin, not longer ago than that.

    Raises SignatureInvalid otherwise. Whether it came before is the receiver's to ask, by `notice`.
    """
    bad = SignatureInvalid(f"this is no notice that {key.name} signed")
    if key.name != notice_key_name(origin):
        raise bad
    key_id, _, signature = header.partition(" ")
    try:
        payload = require_canonical(body)
        signed = unb64(signature, 64)
    except InvalidEntry:
        raise bad from None
    if key_id != key.key_id.hex() or not isinstance(payload, dict) or payload.get("origin") != origin:
        raise bad
    verify_statement(Purpose.NOTICE, origin, payload, key.public_key, signed)
    if abs(now_us - parse_utc(str(payload.get("sent_at")))) > max_age_us:
        raise SignatureInvalid("the notice was sent too long ago", advice="Ask for it anew; it may have been replayed.")
    return payload
