"""Signed batches: what an edge agent hands over, and the receipt that it is given for it.

An agent numbers its batches from 1 within an epoch, and each names the one before by digest: a batch that is lost,
doubled, reordered or changed on the way is seen, whatever carried it. The signature is the agent's own; TLS is only
the transport. A restored agent can't go on in its old epoch, as it would give numbers a second time.
"""

from hashlib import sha256
from typing import Annotated, Final

import msgspec

from ledger.core.canonical import dumps
from ledger.core.errors import InvalidEntry, SignatureInvalid
from ledger.core.hashing import b64, unb64
from ledger.core.note import SigningSecret, ed25519_public_key
from ledger.core.record import Digest, Name
from ledger.core.run import Cursor
from ledger.core.statement import Purpose, sign_statement, verify_statement
from ledger.core.times import SafeInt

SIGNATURE_SIZE: Final = 64
MAX_PAYLOAD: Final = 64 * 1024 * 1024
"""Bytes of the largest payload."""
Number = Annotated[int, msgspec.Meta(ge=1, le=2**53 - 1)]
KeyId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]


class BatchHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent's signature covers. `payload` is the SHA-256 of the run's JSON, `previous` the digest of the batch
    before, null for the first of an epoch; `count` is of records and rejected inputs together.
    """

    agent: Name
    key: KeyId
    epoch: Number
    number: Number
    previous: Digest | None
    source: Name
    count: SafeInt
    cursor: Cursor | None
    payload: Digest


class SignedBatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A batch as it travels; `payload` is the JSON of a `core.run.RunBatch`, in base64 in this JSON."""

    header: BatchHeader
    signature: str
    payload: bytes


class BatchReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger's answer to a batch: it is durable. `digest` is the batch's; `run` the entry that closes its run,
    `first` the entry of its first new record, if it brought one, `size` the log's size after it.
    """

    agent: Name
    epoch: Number
    number: Number
    digest: Digest
    run: SafeInt
    first: SafeInt | None
    size: SafeInt


class SignedReceipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A receipt as it travels."""

    receipt: BatchReceipt
    signature: str


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """A sign of life where nothing comes back: the last number that the agent gave in its epoch, as of its clock."""

    agent: Name
    key: KeyId
    epoch: Number
    last: SafeInt
    alive_at: str


class SignedHeartbeat(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A heartbeat as it travels."""

    heartbeat: Heartbeat
    signature: str


def key_id(public_key: bytes) -> str:
    """The id of an agent's key: 128 bits of its SHA-256, in hex."""
    return sha256(public_key).hexdigest()[:32]


def fingerprint(public_key: bytes) -> str:
    """All 256 bits of a key's SHA-256 as people compare them: groups of four hex digits."""
    digits = sha256(public_key).hexdigest()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def batch_digest(header: BatchHeader) -> str:
    """The digest by which the next batch, and the receipt, name this one: SHA-256 of the header's canonical form."""
    return b64(sha256(dumps(_payload(header))).digest())


def sign_batch(header: BatchHeader, payload: bytes, origin: str, seed: bytes) -> SignedBatch:
    """The batch, signed; raises InvalidEntry if header, payload and key do not belong together."""
    if header.key != key_id(ed25519_public_key(seed)) or header.payload != payload_digest(payload):
        raise InvalidEntry("the header is not of this key and payload")
    return SignedBatch(header=header, signature=_sign(Purpose.BATCH, header, origin, seed), payload=payload)


def verify_batch(batch: SignedBatch, origin: str, public_key: bytes) -> None:
    """Returns only if the agent's key signed exactly this batch, payload included; raises SignatureInvalid."""
    if batch.header.key != key_id(public_key):
        raise SignatureInvalid(f"the batch is signed with key {batch.header.key}, not {key_id(public_key)}")
    verify_header(batch.header, batch.signature, origin, public_key)
    if batch.header.payload != payload_digest(batch.payload):
        raise SignatureInvalid("the payload is not the one that the batch's signature covers")


def verify_header(header: BatchHeader, signature: str, origin: str, public_key: bytes) -> None:
    """Returns only if the key signed this header: what of a batch can be checked again from the log alone."""
    _verify(Purpose.BATCH, header, signature, origin, public_key)


def sign_heartbeat(heartbeat: Heartbeat, origin: str, seed: bytes) -> SignedHeartbeat:
    """The heartbeat, signed with the agent's key. No batch has its members: neither can pass for the other."""
    return SignedHeartbeat(heartbeat=heartbeat, signature=_sign(Purpose.BATCH, heartbeat, origin, seed))


def verify_heartbeat(signed: SignedHeartbeat, origin: str, public_key: bytes) -> Heartbeat:
    """The heartbeat, only if the agent's key signed it; raises SignatureInvalid."""
    if signed.heartbeat.key != key_id(public_key):
        raise SignatureInvalid(f"the heartbeat is signed with key {signed.heartbeat.key}, not {key_id(public_key)}")
    _verify(Purpose.BATCH, signed.heartbeat, signed.signature, origin, public_key)
    return signed.heartbeat


def sign_receipt(receipt: BatchReceipt, origin: str, key: SigningSecret) -> SignedReceipt:
    """The receipt, signed by the log's receipt key."""
    return SignedReceipt(receipt=receipt, signature=_sign(Purpose.RECEIPT, receipt, origin, key))


def verify_receipt(signed: SignedReceipt, header: BatchHeader, origin: str, public_key: bytes) -> BatchReceipt:
    """The receipt, only if the log's receipt key signed it for exactly this batch; raises SignatureInvalid."""
    _verify(Purpose.RECEIPT, signed.receipt, signed.signature, origin, public_key)
    receipt = signed.receipt
    named = (receipt.agent, receipt.epoch, receipt.number, receipt.digest)
    if named != (header.agent, header.epoch, header.number, batch_digest(header)):
        raise SignatureInvalid(f"the receipt is for batch {receipt.number} of epoch {receipt.epoch}, not for this one")
    return receipt


def payload_digest(payload: bytes) -> str:
    """SHA-256 of a payload, as a header names it."""
    return b64(sha256(payload).digest())


_Signed = BatchHeader | BatchReceipt | Heartbeat


def _payload(struct: _Signed) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(struct)
    return found


def _sign(purpose: Purpose, struct: _Signed, origin: str, key: SigningSecret) -> str:
    return b64(sign_statement(purpose, origin, _payload(struct), key))


def _verify(purpose: Purpose, struct: _Signed, signature: str, origin: str, public_key: bytes) -> None:
    try:
        raw = unb64(signature, SIGNATURE_SIZE)
    except InvalidEntry as error:
        raise SignatureInvalid(f"this is no signature: {error}") from None
    verify_statement(purpose, origin, _payload(struct), public_key, raw)
