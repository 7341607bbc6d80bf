"""What a published log tells of its keys: the bodies of its key events, beside its tiles.

Tiles hold commitments alone. `key-life.jsonl` holds, a line each and in their order, salt and body of the log's
creation and of its key events; with a rotation the first checkpoint that holds it, which the old key signed. Each is
held against its leaf in the tiles, and its place in the tree is proven, so whoever serves the file can change nothing.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from ledger.core import canonical
from ledger.core.audit import Tiles
from ledger.core.checkpoint import Checkpoint
from ledger.core.errors import IntegrityError, LedgerError, NotFound
from ledger.core.hashing import b64, unb64
from ledger.core.led_keys import KeyLife, ProvenEvent, parsed, prove
from ledger.core.merkle import consistency_proof, inclusion_proof
from ledger.core.record import Digest
from ledger.core.tiles import ENTRIES, TILE_WIDTH, Tile, TileReader, decode_bundle
from ledger.core.times import SafeInt

KEY_LIFE: Final = "key-life.jsonl"
"""The file's name below the log's prefix. It grows with the log: let it be cached no longer than `checkpoint`."""
MAX_KEY_LIFE: Final = 1 << 24
"""Bytes of the longest such file that is read."""


class PublishedEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A line of the file. `note`: of a rotation, the first checkpoint that holds it."""

    index: SafeInt
    salt: Digest
    body: msgspec.Raw
    note: str | None = None


_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder(PublishedEvent)


def encode_events(events: Iterable[PublishedEvent]) -> bytes:
    """The file of these events; their bodies are canonical already."""
    return b"".join(_encoder.encode(one) + b"\n" for one in events)


def published_events(tiles: Tiles, head: Checkpoint, after: int = -1) -> tuple[ProvenEvent, ...] | None:
    """The events after an entry that a published log tells of, with their proofs; None where it tells of none at all.

    Those that stand beyond `head` are left out: the log has grown since. Raises IntegrityError, naming the line, for
    what is none, and NotFound for tiles that are missing. Whether the proofs hold is not looked at.
    """
    try:
        data = tiles.read(KEY_LIFE)
    except NotFound:
        return None
    reader = TileReader(head.size, lambda level, n, width: tiles.read(Tile(level=level, n=n, width=width).path))
    found = []
    for number, line in enumerate(data.splitlines(keepends=True), start=1):
        try:
            one = _event(line)
        except LedgerError as error:
            raise IntegrityError(f"{KEY_LIFE}, line {number}: {error.message}") from None
        if after < one.index < head.size:
            found.append(_proven(tiles, reader, head, one))
    return tuple(found)


def life_of(events: Iterable[ProvenEvent], life: KeyLife | None = None) -> KeyLife:
    """The life that events tell, each proven to stand in the log; `life` is what was known before them.

    Raises IntegrityError, naming the entry, for one that does not hold.
    """
    for one in events:
        if life is None:
            life = KeyLife.begin(one)
            continue
        life.enter(one)
        try:
            prove(one)
        except LedgerError as error:
            raise IntegrityError(f"{KEY_LIFE}, entry {one.index}: {error.message}") from None
    if life is None:
        raise IntegrityError(f"{KEY_LIFE} does not begin with the log's creation")
    return life


def _event(line: bytes) -> PublishedEvent:
    if not line.endswith(b"\n"):
        raise IntegrityError("is cut off")
    canonical.require_canonical(line[:-1])
    try:
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise IntegrityError(f"is no event: {error}") from None


def _proven(tiles: Tiles, reader: TileReader, head: Checkpoint, one: PublishedEvent) -> ProvenEvent:
    note = None if one.note is None else one.note.encode()
    held = None if note is None else parsed(note)
    continues = held is not None and 0 < held.size < head.size
    return ProvenEvent(
        index=one.index,
        leaf=_leaf(tiles, head.size, one.index),
        salt=unb64(one.salt, 32),
        body=bytes(one.body),
        proof=tuple(inclusion_proof(one.index, head.size, reader)),
        head=head,
        note=note,
        consistency=tuple(consistency_proof(held.size, head.size, reader)) if held and continues else (),
    )


def _leaf(tiles: Tiles, size: int, index: int) -> bytes:
    n = index // TILE_WIDTH
    bundle = Tile(level=ENTRIES, n=n, width=min(TILE_WIDTH, size - n * TILE_WIDTH))
    ((got, data),) = tiles.stream([bundle])
    return decode_bundle(data, got.width)[index % TILE_WIDTH]


def texts(one: ProvenEvent) -> dict[str, object]:
    """The members of a proven event as an entry or a line has them: bytes as text, hashes in base64."""
    return {
        "index": one.index,
        "leaf": one.leaf.decode(),
        "salt": b64(one.salt),
        "body": one.body.decode(),
        "proof": tuple(map(b64, one.proof)),
        "note": None if one.note is None else one.note.decode(),
        "consistency": tuple(map(b64, one.consistency)),
    }
