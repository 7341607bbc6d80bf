"""What a checkpoint card says of a log, read from a published checkpoint that the log still has."""

from collections.abc import Iterable
from typing import Final

import msgspec

from ledger.core.address import LogId
from ledger.core.card import Card
from ledger.core.checkpoint import open_checkpoint
from ledger.core.clock import parse_utc
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, NotFound
from ledger.core.note import Note, Verifier, parse_note
from ledger.store import checkpoints
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.witness_reading import times

PAPER_BYTES: Final = 1_000
"""Most bytes of a note that are printed as a QR code: its squares stay large enough for any camera."""
_PAPER_SIGNATURE: Final = 72
"""Longest signature that goes on paper: Ed25519's, with a witness's time. One of ML-DSA-44 has 2,420 bytes."""


class CardFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A card and what is printed beside it. `note`: the signed checkpoint as far as it fits a QR code, the log's line
    first; `keys`: the verifier keys of the log that signed it; `cosigned`: witnesses, and when by their own clocks.
    """

    log: str
    card: Card
    note: str
    keys: tuple[str, ...]
    logged_us: int
    cosigned: tuple[tuple[str, int], ...]


def read_card(
    store: Store, log: LogId, keys: Iterable[Verifier], witnesses: Iterable[Verifier], size: int | None = None
) -> CardFacts:
    """The card of the newest published checkpoint, or of the one of this size. `keys`: those of the log.

    Raises NotFound where there is none, IntegrityError where the log has no longer what was signed: what does not hold
    is not printed.
    """
    known = tuple(keys)
    with store.reading() as connection:
        stored = checkpoints.latest(connection, log.number, size)
        if size is not None and stored.size != size:
            raise NotFound(
                f"log {log.name} has no checkpoint of size {size}", advice=f"The one before has {stored.size}."
            )
        reader = LogReader(connection, log.number)
        root = reader.root(stored.size)
        last = decode_leaf(reader.entry(stored.size - 1).leaf)
    signed = open_checkpoint(stored.note, log.origin, known)
    head = signed.checkpoint
    if (head.size, head.root) != (stored.size, root):
        raise IntegrityError(
            f"log {log.origin} has another root at size {stored.size} than was signed",
            advice="Verify the ledger before anything of it is printed: trailseal verify --full.",
        )
    lines = {(one.name, one.key_id) for one in signed.verified}
    return CardFacts(
        log=log.name,
        card=Card(origin=head.origin, size=head.size, root=head.root),
        note=on_paper(parse_note(stored.note)),
        keys=tuple(str(key) for key in known if (key.name, key.key_id) in lines),
        logged_us=parse_utc(last.logged_at),
        cosigned=tuple(times(stored, witnesses)),
    )


def on_paper(note: Note) -> str:
    """The note with as many of its lines as a QR code on paper holds; those of the log come first."""
    fits: list[str] = []
    left = PAPER_BYTES - len(f"{note.text}\n".encode())
    for one in note.signatures:
        if len(one.signature) <= _PAPER_SIGNATURE and len(one.line.encode()) <= left:
            fits.append(one.line)
            left -= len(one.line.encode())
    return f"{note.text}\n{''.join(fits)}"
