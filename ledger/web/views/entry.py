"""The page of one entry: its sentence, its times, what changed, its original, and the proof that it stands in the log.

Every check on the page is made for the page, from the stored bytes.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.core.address import Address, LogId
from ledger.core.clock import parse_utc
from ledger.core.doubt import Judged, Standing
from ledger.core.entry import LeafData
from ledger.core.errors import LedgerError, NotFound
from ledger.core.hashing import (
    ZERO_HASH,
    b64,
    body_commitment,
    leaf_hash,
    original_commitment,
    sealed_commitment,
    unb64,
)
from ledger.core.merkle import verify_inclusion
from ledger.core.proof import TlogProof
from ledger.core.record import OriginalRef, RecordBody
from ledger.core.sealing import sealed_in
from ledger.core.vault import Kept
from ledger.integrity.doubts import Doubts
from ledger.present.doubts import doubt_sentence
from ledger.present.inert import inert
from ledger.present.states import State, judged
from ledger.present.values import Pieces
from ledger.sources.imports import archives
from ledger.sources.life_kinds import LifeState
from ledger.sources.marks import state_when_collected
from ledger.sources.resolved import resolve
from ledger.store.checkpoints import StoredCheckpoint, covering
from ledger.store.disposed import disposal_of
from ledger.store.reading import LogReader, StoredEntry, VaultReader
from ledger.web.views.belonging import ShownBelonging, shown_belonging
from ledger.web.views.common import Check, Scope, ShownCheckpoint, entry_line, read_leaf, show_checkpoint
from ledger.web.views.marks import ShownMark, shown_marks
from ledger.web.views.object import object_url
from ledger.web.views.original import ShownOriginal, show_original
from ledger.web.views.record import ShownRecord, show_record
from ledger.web.views.stamps import ShownExisted, show_existed
from ledger.web.views.when import TimeRow, logged_row


class SealedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed value: the member it belongs to, its commitment, and the value while it stands beside the entry."""

    member: str
    commitment: str
    value: str | None
    state: State


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a body that has no page of its own yet: its path and its value, inert."""

    path: str
    value: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Why the entry stands where it stands: leaf, path and checkpoint (None while no checkpoint covers it)."""

    leaf: str
    leaf_hash: bytes
    previous: bytes
    commitment: str
    salt: bytes | None
    path: tuple[bytes, ...]
    checkpoint: ShownCheckpoint | None


class ShownDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """A key in doubt that an entry rests on, and how the entry stands by that."""

    state: State
    words: str


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page shows. `size` is the log's size when it was read; `waiting`: it is a record, and its source was
    to be validated anew when it was collected; `imported`: it is a record that came from an old audit trail;
    `incident`: the open case that doubts it; `existed`: by when it existed, as an authority of time says; `doubts`: the
    keys in doubt that it rests on; `versions`: where all versions of its object are; `marks`: entered by hand,
    corrected, excluded; `belongs`: to which batches it is derived to belong.
    """

    log: LogId
    index: int
    size: int
    kind: str
    disposed: bool
    disposed_by: int | None
    waiting: bool
    imported: bool
    sentence: Pieces
    times: tuple[TimeRow, ...]
    record: ShownRecord | None
    members: tuple[Member, ...]
    sealed: tuple[SealedRow, ...]
    original: ShownOriginal | None
    proof: Proof
    checks: tuple[Check, ...]
    incident: str | None
    existed: ShownExisted | None
    doubts: tuple[ShownDoubt, ...] = ()
    versions: str | None = None
    marks: tuple[ShownMark, ...] = ()
    belongs: ShownBelonging = ShownBelonging()

    @property
    def address(self) -> str:
        return str(Address(self.log.origin, self.index))

    @property
    def previous(self) -> int | None:
        return self.index - 1 if self.index else None

    @property
    def next(self) -> int | None:
        return self.index + 1 if self.index + 1 < self.size else None

    @property
    def worst(self) -> Check:
        """The check that decides what the page says first: one that fails, else one that can't be made, else any."""
        order = (State.FAILS, State.UNKNOWN, State.HOLDS)
        return min(self.checks, key=lambda check: order.index(check.state))


def entry_view(scope: Scope, reader: LogReader, log: LogId, index: int) -> EntryView:
    """Reads one entry. Raises NotFound if the log doesn't reach so far; what does not hold is shown, not raised."""
    size = reader.head().size
    if not 0 <= index < size:
        raise NotFound(f"log {log.name} has {size} entries: there is no entry {index} yet")
    stored = reader.entry(index)
    leaf = read_leaf(log.name, stored)
    line = entry_line(scope, stored, reader)
    body = line.body
    gone = disposal_of(reader.connection, log.number, index) if stored.body is None else None
    vault = VaultReader(reader.connection)
    kept = vault.original(log.number, index)
    reference = original_of(body)
    sealed = _sealed(vault, log.number, index, body)
    proof, checks = _proof(scope, reader, log, stored, leaf, gone is not None)
    if reference is not None:
        checks += (_original_check(reference, kept),)
    checks += tuple(
        Check(key="check.sealed", state=row.state, detail=row.member) for row in sealed if row.state is not State.HOLDS
    )
    opened = {row.commitment: row.value for row in sealed if row.value is not None}
    record, belongs = None, ShownBelonging()
    if isinstance(body, RecordBody):
        record = show_record(body, scope.zone, opened, resolve(reader.connection, log.number, index, body))
        belongs = shown_belonging(reader.connection, log, size, index, body, scope.zone)
    return EntryView(
        log=log,
        index=index,
        size=size,
        kind=line.kind,
        disposed=stored.body is None,
        disposed_by=None if gone is None else gone.entry,
        waiting=state_when_collected(reader.connection, log.number, index, body) is LifeState.REVALIDATE,
        imported=isinstance(body, RecordBody) and body.record.source in archives(reader.connection, log.number),
        sentence=line.sentence,
        times=(*(record.times if record else ()), logged_row(parse_utc(leaf.logged_at), scope.zone)),
        record=record,
        members=() if record or body is None else tuple(_members(msgspec.to_builtins(body))),
        sealed=sealed,
        original=show_original(reference, kept) if reference is not None else None,
        proof=proof,
        checks=checks,
        incident=scope.standing.of_entry(log.number, index),
        existed=show_existed(scope, reader.connection, log, index),
        doubts=tuple(map(_shown_doubt, Doubts(reader.connection, scope.kinds).of_entry(log, index, body))),
        versions=object_url(log.name, body) if isinstance(body, RecordBody) else None,
        marks=shown_marks(reader.connection, scope.logs, log, [index], size).get(index, ()),
        belongs=belongs,
    )


def _shown_doubt(judged: Judged) -> ShownDoubt:
    state = State.UNKNOWN if judged.standing is Standing.DOUBTFUL else State.HOLDS
    return ShownDoubt(state=state, words=doubt_sentence(judged))


def original_of(body: msgspec.Struct | None) -> OriginalRef | None:
    """The original that a body names, of whatever kind it is."""
    named = getattr(body, "original", None)
    return named if isinstance(named, OriginalRef) else None


def proof_bundle(reader: LogReader, index: int) -> TlogProof:
    """The C2SP tlog-proof of an entry under the first checkpoint that covers it; raises NotFound while none does."""
    covered = covering(reader.connection, reader.log, index)
    if covered is None:
        raise NotFound(f"no checkpoint covers entry {index} yet", advice="Wait for the next checkpoint and try again.")
    return TlogProof(
        index=index,
        hashes=tuple(reader.inclusion(index, covered.size)),
        checkpoint=covered.note,
        extra=reader.entry(index).leaf,
    )


def _proof(
    scope: Scope, reader: LogReader, log: LogId, stored: StoredEntry, leaf: LeafData, disposed: bool
) -> tuple[Proof, tuple[Check, ...]]:
    index, hashed = stored.index, leaf_hash(stored.leaf)
    before = leaf_hash(reader.entry(index - 1).leaf) if index else ZERO_HASH
    covered = covering(reader.connection, log.number, index)
    shown = None if covered is None else show_checkpoint(scope, reader.connection, log, covered.note)
    path, included, why = _inclusion(reader, index, hashed, covered, shown)
    checks = (
        Check(key="check.body", state=_body_state(stored, leaf, disposed)),
        Check(key="check.chain", state=judged(leaf.index == index and unb64(leaf.prev, 32) == before)),
        Check(key="check.included", state=included, detail=why),
        Check(
            key="check.signed",
            state=State.UNKNOWN if shown is None else shown.signed,
            detail="" if shown is None else inert(shown.detail),
        ),
    )
    proof = Proof(
        leaf=stored.leaf.decode(),
        leaf_hash=hashed,
        previous=unb64(leaf.prev, 32),
        commitment=leaf.body,
        salt=stored.salt,
        path=path,
        checkpoint=shown,
    )
    return proof, checks


def _body_state(stored: StoredEntry, leaf: LeafData, disposed: bool) -> State:
    if stored.body is None or stored.salt is None:
        return State.UNKNOWN if disposed else State.FAILS
    return judged(b64(body_commitment(stored.salt, stored.body)) == leaf.body)


def _inclusion(
    reader: LogReader, index: int, hashed: bytes, covered: StoredCheckpoint | None, shown: ShownCheckpoint | None
) -> tuple[tuple[bytes, ...], State, str]:
    if covered is None or shown is None:
        return (), State.UNKNOWN, ""
    try:
        path = reader.inclusion(index, covered.size)
        verify_inclusion(index, covered.size, hashed, path, shown.root)
    except LedgerError as error:
        return (), State.FAILS, inert(error.message)
    return tuple(path), State.HOLDS, ""


def _original_check(reference: OriginalRef, kept: Kept | None) -> Check:
    holds = None if kept is None else b64(original_commitment(kept.salt, kept.value)) == reference.commitment
    return Check(key="check.original", state=judged(holds))


def _sealed(vault: VaultReader, log: int, index: int, body: msgspec.Struct | None) -> tuple[SealedRow, ...]:
    if body is None:
        return ()
    by_commitment = {
        b64(sealed_commitment(kept.salt, kept.value)): kept for kept in vault.sealed(log, index) if len(kept.salt) == 32
    }
    rows = []
    for member, commitment in sealed_in(body):
        kept = by_commitment.get(commitment)
        plain = None if kept is None else inert(str(msgspec.json.decode(kept.value)), lines=True)
        # A value that is not there was erased, or is not the one committed to: which of the two, only level 2 can tell.
        rows.append(
            SealedRow(
                member=inert(member),
                commitment=commitment,
                value=plain,
                state=State.UNKNOWN if kept is None else State.HOLDS,
            )
        )
    return tuple(rows)


def _members(value: Any, path: str = "") -> list[Member]:
    """A body flattened to paths, so that nothing of it is left out."""
    step: Callable[[Any], str] = (lambda name: f"{path}.{name}") if path else str
    if isinstance(value, dict) and value:
        return [member for name, inner in value.items() for member in _members(inner, step(name))]
    if isinstance(value, list | tuple) and value:
        return [member for at, inner in enumerate(value) for member in _members(inner, f"{path}[{at}]")]
    shown = "" if value is None or value in ([], {}, ()) else str(value)
    return [Member(path=inert(path), value=inert(shown, lines=True))]
