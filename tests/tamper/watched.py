"""Entries about logs of other ledgers in the ledger that is attacked: watched, released, entered, forked and silent."""

import msgspec

from ledger.core.audit import tree_before
from ledger.core.checkpoint import Checkpoint
from ledger.core.entry import draft
from ledger.core.hashing import b64
from ledger.core.note import NoteSigner, parse_note
from ledger.core.tiles import Tile, TileReader
from ledger.store.logs import SYSTEM_LOG
from ledger.trust.watch_kinds import FaultSort, SiteCheckpoint, SiteFault, WatchedLog, WatchEvent
from tests.support.ledgers import AUTHORITY, Ledger
from tests.support.published import leaves, published_files

_ENTRIES = leaves(9)
_OTHER = [*_ENTRIES[:2], *leaves(9, 5)[2:]]


def watched(ledger: Ledger, number: int) -> None:
    """A log that is watched from this round on; every second one no more at the round's end."""
    signer = NoteSigner(f"site-{number}.example/records", bytes([number + 1]) * 32)
    site = WatchedLog(
        event=WatchEvent.WATCHED,
        origin=signer.verifier.name,
        tiles=f"https://site-{number}.example/records",
        silent_s=3600 + number,
        reason=f"site {number}",
        authority=AUTHORITY,
        keys=(str(signer.verifier),),
    )
    _append(ledger, site)
    small, large, forked = (published_files(entries, signer) for entries in (_ENTRIES[: 3 + number], _ENTRIES, _OTHER))
    first = _append(ledger, _shown(large if number == 3 else small, None, ()))
    last = first
    if number != 3:
        before = tree_before(_reader(large), 3 + number, _head(large))
        last = _append(ledger, _shown(large, first, tuple(map(b64, before.proof))))
    told = SiteFault(
        sort=FaultSort.FORKED,
        origin=site.origin,
        detail=f"two roots, {number}",
        last=last,
        earlier=large["checkpoint"].decode(),
        checkpoint=forked["checkpoint"].decode(),
    )
    _append(ledger, told)
    _append(ledger, msgspec.structs.replace(told, sort=FaultSort.SILENT, checkpoint="", detail="nothing new"))
    if number % 2:
        _append(ledger, msgspec.structs.replace(site, event=WatchEvent.RELEASED, reason="sold"))


def _append(ledger: Ledger, body: msgspec.Struct) -> int:
    index = ledger.store.append_one(SYSTEM_LOG, draft(body)).index
    ledger.service.people.sessions.issue_link(AUTHORITY)
    return index


def _shown(files: dict[str, bytes], previous: int | None, proof: tuple[str, ...]) -> SiteCheckpoint:
    head = _head(files)
    return SiteCheckpoint(
        origin=head.origin,
        size=head.size,
        root=b64(head.root),
        checkpoint=files["checkpoint"].decode(),
        previous=previous,
        proof=proof,
    )


def _head(files: dict[str, bytes]) -> Checkpoint:
    return Checkpoint.parse(parse_note(files["checkpoint"]).text)


def _reader(files: dict[str, bytes]) -> TileReader:
    return TileReader(_head(files).size, lambda level, n, width: files[Tile(level=level, n=n, width=width).path])
