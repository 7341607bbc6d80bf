"""Entries: the small leaf that the tree hashes, and the body that it commits to (design section 2).

The leaf is free of content. It holds the salted commitment to the body, so that a body can be withheld or disposed of
while every proof stays valid, and the leaf hash of the entry before, so that a person can follow the chain by hand.
"""

import secrets
from typing import Any

import msgspec

from ledger.core import canonical
from ledger.core.clock import parse_utc
from ledger.core.errors import ChainBroken, NotCanonical, SchemaViolation
from ledger.core.hashing import b64, body_commitment, leaf_hash, unb64
from ledger.core.kinds import KIND_NAMES, MAX_BODY, kind_of

SALT_SIZE = 32
LEAF_VERSION = 1


class LeafData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the tree hashes. `logged_at` is the sequencer's time, `prev` the leaf hash of the entry before (32 zero
    bytes for entry 0), `v` the version of algorithm and coverage.
    """

    body: str
    index: int
    kind: str
    logged_at: str
    prev: str
    v: int


class VaultItem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A value that an entry commits to and that stands beside it: an original, a sealed value or a secret.

    `ordinal` numbers the items of one sort within an entry; `meta` is what its table needs besides (the path of a
    sealed value, the name of a secret).
    """

    sort: str
    ordinal: int
    salt: bytes
    value: bytes
    meta: str = ""


ORIGINAL, SEALED, SECRET = "original", "sealed", "secret"


class SourceKey(msgspec.Struct, frozen=True, gc=False):
    """What makes a record the same record again: source, its identity there, keyed digest of its content."""

    source: str
    record_id: str
    digest: bytes


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry ready to be appended: all that can be computed before its index and predecessor are known.

    With a `key`, a second draft of the same key is answered with the earlier entry.
    """

    kind: str
    body: msgspec.Struct
    body_bytes: bytes
    salt: bytes
    commitment: str
    vault: tuple[VaultItem, ...] = ()
    key: SourceKey | None = None
    earlier: tuple[bytes, ...] = ()
    """Digests by which the record was known before the ledger's secret was changed."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An entry as projectors see it: its place, its time and its decoded body."""

    log: int
    index: int
    kind: str
    logged_us: int
    body: Any


def draft(
    body: msgspec.Struct,
    vault: tuple[VaultItem, ...] = (),
    key: SourceKey | None = None,
    encoded: bytes | None = None,
    earlier: tuple[bytes, ...] = (),
) -> Draft:
    """Commits to a body. Raises SchemaViolation if it is larger than 1 MiB.

    `encoded` saves encoding it here: its canonical bytes, where the caller has them.
    """
    if encoded is None:
        encoded = canonical.encode_struct(body)
    if len(encoded) > MAX_BODY:
        raise SchemaViolation(f"a body of {len(encoded)} bytes is larger than {MAX_BODY}")
    salt = secrets.token_bytes(SALT_SIZE)
    return Draft(
        kind=kind_of(type(body)),
        body=body,
        body_bytes=encoded,
        salt=salt,
        commitment=b64(body_commitment(salt, encoded)),
        vault=vault,
        key=key,
        earlier=earlier,
    )


def encode_leaf(commitment: str, index: int, kind: str, logged_at: str, prev: str) -> bytes:
    """The canonical leaf data. Every member is of an alphabet that RFC 8785 never escapes, so the text is built."""
    return (
        f'{{"body":"{commitment}","index":{index},"kind":"{kind}","logged_at":"{logged_at}",'
        f'"prev":"{prev}","v":{LEAF_VERSION}}}'
    ).encode()


_leaf_decoder = msgspec.json.Decoder(LeafData)


def decode_leaf(data: bytes) -> LeafData:
    """Reads leaf data strictly: byte-equal to its re-encoding, a known kind and version; else NotCanonical."""
    try:
        leaf = _leaf_decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotCanonical(f"leaf data: {error}") from None
    if leaf.v != LEAF_VERSION or leaf.kind not in KIND_NAMES:
        raise NotCanonical(f"leaf data of kind {leaf.kind!r}, version {leaf.v}, is not known")
    if encode_leaf(leaf.body, leaf.index, leaf.kind, leaf.logged_at, leaf.prev) != data:
        raise NotCanonical("leaf data is not in canonical form")
    return leaf


def check_entry(index: int, prev: bytes, leaf: bytes, salt: bytes | None, body: bytes | None) -> bytes:
    """Checks one entry against its place in the chain and returns its leaf hash.

    Raises NotCanonical or ChainBroken, naming the entry. A body that is not given (withheld, disposed) is not judged.
    """
    data = decode_leaf(leaf)
    if data.index != index:
        raise ChainBroken(f"entry {index} holds the leaf of entry {data.index}")
    if unb64(data.prev, 32) != prev:
        raise ChainBroken(f"entry {index} does not name the leaf hash of the entry before it")
    parse_utc(data.logged_at)
    if body is not None and b64(body_commitment(salt or b"", body)) != data.body:
        raise ChainBroken(f"the body of entry {index} is not the one that its leaf commits to")
    return leaf_hash(leaf)
