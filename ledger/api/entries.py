"""Entries: leaf, body and salt as they are stored, the proof that they stand in the log, and the original's bytes."""

from typing import Any

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency

from ledger.api.context import Context
from ledger.api.fields import Index, LogName
from ledger.api.problems import declared
from ledger.core.address import Address, LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError, NotFound, SchemaViolation
from ledger.core.hashing import b64, leaf_hash, original_commitment
from ledger.core.kinds import RECORD
from ledger.core.proof import SUFFIX, TlogProof
from ledger.core.record import OriginalRef
from ledger.core.tables import EntryState
from ledger.integrity.incidents.standing import Integrity, integrity
from ledger.people.access import Scope, allow
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.life_kinds import LifeState
from ledger.sources.marks import state_when_collected
from ledger.sources.resolved import Resolved, resolve
from ledger.store.checkpoints import StoredCheckpoint, covering
from ledger.store.disposed import state_of
from ledger.store.reading import LogReader, StoredEntry, VaultReader


class EntryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An entry. `leaf`, `salt` and `body` are the stored bytes in base64: SHA-256(0x02 ‖ salt ‖ body) stands in the
    leaf, SHA-256(0x00 ‖ leaf) is its leaf hash. `decoded` is the body once more, to be read; both are null once the
    entry was disposed of, by the entry at address `disposed_by` (`missing`: no entry says so). `source_state` is where
    its source stood when a record was collected (`re-validate`: it was changed, and nobody had signed a new sample
    yet); null for what is no record. `resolved` names person and place by the dated maps.
    `marks`: entered by hand, corrected, excluded from an evaluation; null: none of these. `integrity` is *unknown*
    while incident case `incident` doubts the entry.
    """

    address: str
    log: str
    index: int
    kind: str
    state: EntryState
    disposed_by: str | None
    logged_at: str
    leaf: str
    leaf_hash: str
    salt: str | None
    body: str | None
    decoded: dict[str, Any] | None
    source_state: LifeState | None
    resolved: Resolved
    marks: Marks | None
    integrity: Integrity
    incident: str | None


class InclusionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Inclusion proof (RFC 9162 2.1.3) of an entry in the tree of the first published checkpoint that covers it."""

    address: str
    index: int
    leaf_hash: str
    size: int
    hashes: list[str]
    checkpoint: str


@get("/{index:int}", responses=declared())
async def entry(context: NamedDependency[Context], log: LogName, index: Index) -> EntryAnswer:
    """One entry as it is stored, and decoded."""
    return await context.lanes.read(_entry, context, context.log(log), index)


@get("/{index:int}/proof", responses=declared())
async def inclusion(context: NamedDependency[Context], log: LogName, index: Index) -> InclusionAnswer:
    """The entry's inclusion proof; 404 while no checkpoint covers the entry."""
    return await context.lanes.read(_inclusion, context, context.log(log), index)


@get("/{index:int}/tlog-proof", opt=allow(Scope.EXPORT), responses=declared(), media_type="text/plain")
async def tlog_proof(context: NamedDependency[Context], log: LogName, index: Index) -> Response[bytes]:
    """The same proof as a C2SP tlog-proof file, the leaf data in its `extra` line."""
    where = context.log(log)
    proof = await context.lanes.read(_tlog_proof, context, where, index)
    name = f"{where.name}-{index}{SUFFIX}"
    return Response(
        proof.encode(),
        media_type="text/plain",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@get(
    "/{index:int}/original",
    opt=allow(Scope.EXPORT),
    responses=declared(),
    media_type="application/octet-stream",
)
async def original(context: NamedDependency[Context], log: LogName, index: Index) -> Response[bytes]:
    """The exact bytes that the source gave, checked against the entry; only to be saved, never shown as a page."""
    where = context.log(log)
    data = await context.lanes.read(_original, context, where, index)
    name = f"{where.name}-{index}.original"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        },
    )


def _entry(context: Context, log: LogId, index: int) -> EntryAnswer:
    with context.service.store.reader(log.number) as reader:
        case = context.service.standings.now(reader.connection).of_entry(log.number, index)
        stored = _stored(reader, log, index, case)
        leaf = decode_leaf(stored.leaf)
        there, gone = state_of(reader.connection, log.number, index, stored.body)
        body = _record(leaf.kind, stored.body)
        state = state_when_collected(reader.connection, log.number, index, body)
        resolved = resolve(reader.connection, log.number, index, body)
        marks = marks_of(reader.connection, log, [index]).get(index)
    return EntryAnswer(
        address=str(Address(log.origin, index)),
        log=log.name,
        index=index,
        kind=leaf.kind,
        state=there,
        disposed_by=None if gone is None else str(Address(context.service.system.origin, gone.entry)),
        logged_at=leaf.logged_at,
        leaf=b64(stored.leaf),
        leaf_hash=b64(leaf_hash(stored.leaf)),
        salt=None if stored.salt is None else b64(stored.salt),
        body=None if stored.body is None else b64(stored.body),
        decoded=None if stored.body is None else msgspec.json.decode(stored.body),
        source_state=state,
        resolved=resolved,
        marks=marks,
        integrity=integrity(case),
        incident=case,
    )


def _stored(reader: LogReader, log: LogId, index: int, case: str | None) -> StoredEntry:
    """An entry; raises IntegrityError for one that is gone, which an open case knows."""
    try:
        return reader.entry(index)
    except NotFound:
        if case is None:
            raise
        raise IntegrityError(f"entry {index} of log {log.name} is unknown: case {case} is open over it") from None


def _record(kind: str, body: bytes | None) -> object:
    """The record, where the entry is one that can be read; an entry is answered as it is stored, whatever it holds."""
    try:
        return None if body is None or kind != RECORD.name else RECORD.decode(body)
    except SchemaViolation:
        return None


def _proven(context: Context, log: LogId, index: int) -> tuple[bytes, list[bytes], StoredCheckpoint]:
    with context.service.store.reader(log.number) as reader:
        leaf = reader.entry(index).leaf
        covered = covering(reader.connection, log.number, index)
        if covered is None:
            raise NotFound(
                f"no checkpoint covers entry {index} of log {log.name} yet",
                advice="Checkpoints are published every few seconds: ask again.",
            )
        return leaf, reader.inclusion(index, covered.size), covered


def _inclusion(context: Context, log: LogId, index: int) -> InclusionAnswer:
    leaf, hashes, covered = _proven(context, log, index)
    return InclusionAnswer(
        address=str(Address(log.origin, index)),
        index=index,
        leaf_hash=b64(leaf_hash(leaf)),
        size=covered.size,
        hashes=[b64(item) for item in hashes],
        checkpoint=covered.note.decode(),
    )


def _tlog_proof(context: Context, log: LogId, index: int) -> TlogProof:
    leaf, hashes, covered = _proven(context, log, index)
    return TlogProof(index=index, hashes=tuple(hashes), checkpoint=covered.note, extra=leaf)


def _original(context: Context, log: LogId, index: int) -> bytes:
    with context.service.store.reader(log.number) as reader:
        reference = _reference(context, reader, index)
        kept = VaultReader(reader.connection).original(log.number, index)
    if reference is None or kept is None:
        raise NotFound(f"entry {index} of log {log.name} has no original, or no longer has it")
    if b64(original_commitment(kept.salt, kept.value)) != reference.commitment:
        raise IntegrityError(f"the original of entry {index} of log {log.name} is not the one that the entry names")
    return kept.value


def _reference(context: Context, reader: LogReader, index: int) -> OriginalRef | None:
    """The original that a body names: of a record or quarantined input, or a run's snapshot."""
    stored = reader.entry(index)
    if stored.body is None:
        return None
    body = context.service.store.kinds[decode_leaf(stored.leaf).kind].decode(stored.body)
    named = getattr(body, "original", None) or getattr(body, "snapshot", None)
    return named if isinstance(named, OriginalRef) else None


router = Router(
    "/logs/{log:str}/entries",
    route_handlers=[entry, inclusion, tlog_proof, original],
    opt=allow(Scope.READ),
    tags=["entries"],
)
