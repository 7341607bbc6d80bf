"""All versions of an object or of one of its fields: old → new, who, why, what it follows, and what was signed.

Versions are in the order of the log, newest first. Each change is held against the one that stood before it in time,
whenever that was logged. Values that are sealed are known by their commitments alone; nothing is opened.
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec
from sqlalchemy import Connection

from ledger.core.address import Address, LogId
from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf
from ledger.core.looks import Span, moment_us
from ledger.core.record import Action, Change, Maybe, RecordBody, Sealed, same
from ledger.core.signature import SignatureEntry
from ledger.people.credentials import read_entry
from ledger.signing.targets import signatures_over_each
from ledger.sources.hand_marks import Marks, marks_of
from ledger.sources.parameters import Parameters
from ledger.store.changes import Changes, Field, Moment, Neighbours
from ledger.store.key_index import places_of
from ledger.store.position import index_of, pos_of
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.search import MAX_PAGE, newest
from ledger.store.store import Store
from ledger.trace.bodies import bodies
from ledger.trace.precedence import Happening, Placing, happened_before


class Continuity(StrEnum):
    """Whether the old value of a change is what the change before it left.

    *First*: no change of the field is known before it. *Cannot tell*: one of the two values is not said, or is sealed
    under a salt of its own; what lies between two looks was more than the pair shows; or clocks do not tell which
    change was the last before it.
    """

    FIRST = "first"
    HOLDS = "holds"
    BROKEN = "broken"
    CANNOT_TELL = "cannot-tell"


class FieldStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attribute's old and new value; unset where the source does not say.

    `previous`: the entry of the change before it, `expected`: the value that it left. `after_signature`: the address of
    a signature over that entry, made before this one was logged: what was signed was changed.
    """

    attribute: str
    continuity: Continuity
    old: Maybe = msgspec.UNSET
    new: Maybe = msgspec.UNSET
    unit: str | None = None
    expected: Maybe = msgspec.UNSET
    previous: int | None = None
    after_signature: str | None = None


class Covering(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over an entry, as it was made. Whether it holds is verified where it is looked at, not here."""

    index: int
    address: str
    account: str
    name: str
    role: str
    meaning: str
    signed_at: str
    seen: int


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A record of the object. `after` and `before`: between which instants it happened (UTC); null: unknown.

    `reason` null with `reasoned`: it is sealed. `signatures`: those made when the log was no larger than `size`.
    `corrects`: the entry of this very record as its source had given it before; `corrected_by`: as it gave it later.
    `marks`: entered by hand, corrected by hand, excluded from an evaluation; null: none of these.
    """

    index: int
    source: str
    action: Action
    after: str | None
    before: str | None
    logged_at: str
    account: str | None
    reason: str | None
    reasoned: bool
    steps: tuple[FieldStep, ...]
    signatures: tuple[Covering, ...]
    corrects: int | None
    corrected_by: int | None
    marks: Marks | None


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """Versions, newest first, as of `size`; `next_before` goes on, null: this was the last page."""

    versions: tuple[Version, ...]
    size: int
    next_before: int | None


def versions(
    store: Store,
    connection: Connection,
    log: LogId,
    size: int,
    type_: str,
    id_: str,
    *,
    source: str | None = None,
    attribute: str | None = None,
    before: int | None = None,
    limit: int = 50,
) -> HistoryPage:
    """A page of the versions of an object, of all sources if none is named, each source's told apart."""
    limit = max(1, min(limit, MAX_PAGE))
    query = Query(source=source, object_type=type_, object_id=id_, attribute=attribute)
    found = newest(connection, log.number, size, query, before, limit + 1)
    indices = found[:limit]
    reading = _Reading(store, connection, log, size, indices)
    return HistoryPage(
        versions=tuple(reading.version(index, attribute) for index in indices),
        size=size,
        next_before=indices[-1] if len(found) > limit else None,
    )


class _Reading:
    """What a page takes, read at once."""

    def __init__(self, store: Store, connection: Connection, log: LogId, size: int, indices: Sequence[int]) -> None:
        self._store = store
        self._connection = connection
        self._log = log
        self._size = size
        self._placing = Placing(connection, Parameters(store), log.number, size)
        reader = LogReader(connection, log.number)
        self._bodies = dict(bodies(connection, log.number, indices))
        asked = [
            (_field(body, change), Moment(moment_us(body), pos_of(log.number, index), ordinal))
            for index, body in self._bodies.items()
            for ordinal, change in enumerate(body.record.changes)
        ]
        found = Changes(connection, log.number, size).neighbours(asked)
        self._near = {(one.entry, one.ordinal): near for (_, one), near in zip(asked, found, strict=True)}
        others = {one.entry for near in found for one in (*near.before, *filter(None, (near.after,)))}
        self._bodies |= dict(bodies(connection, log.number, sorted(others - self._bodies.keys())))
        self._logged = {stored.index: decode_leaf(stored.leaf).logged_at for stored in reader.chosen(sorted(indices))}
        previous = {near.before[0].entry for near in found if near.before}
        over = signatures_over_each(connection, log.origin, sorted({*indices, *previous}))
        known = {at: self._signature(at) for at in {one for of in over.values() for one in of}}
        self._signed = {index: tuple(one for at in of if (one := known[at]).seen <= size) for index, of in over.items()}
        keys = {(of.source, of.source_record_id) for index in indices for of in (self._bodies[index].record,)}
        live = store.projections.read_live(connection)
        self._given = {
            key: [one for one in map(index_of, of) if one < size]
            for key, of in places_of(connection, live, log.number, keys).items()
        }
        self._marks = marks_of(connection, log, indices, size)
        self._places: dict[int, Happening] = {}

    def version(self, index: int, attribute: str | None) -> Version:
        body = self._bodies[index]
        record = body.record
        span: Span | None = self._place(index).span
        given = self._given.get((record.source, record.source_record_id), [])
        corrects = max((one for one in given if one < index), default=None)
        corrected_by = min((one for one in given if one > index), default=None)
        return Version(
            index=index,
            source=record.source,
            action=record.action,
            after=None if span is None else utc_text(span.low_us),
            before=None if span is None else utc_text(span.high_us),
            logged_at=self._logged[index],
            account=record.actor.account,
            reason=None if isinstance(record.reason, Sealed) else record.reason,
            reasoned=record.reason is not None,
            steps=tuple(
                self._step(index, ordinal, change)
                for ordinal, change in enumerate(record.changes)
                if attribute in (None, change.attribute)
            ),
            signatures=self._signed.get(index, ()),
            corrects=corrects,
            corrected_by=corrected_by,
            marks=self._marks.get(index),
        )

    def _step(self, index: int, ordinal: int, change: Change) -> FieldStep:
        near = self._near[index, ordinal]
        previous = near.before[0] if near.before else None
        left = None if previous is None else self._bodies[previous.entry].record.changes[previous.ordinal].new
        signed = () if previous is None else self._signed.get(previous.entry, ())
        return FieldStep(
            attribute=change.attribute,
            old=change.old,
            new=change.new,
            unit=change.unit,
            continuity=self._continuity(index, change, near),
            expected=msgspec.UNSET if previous is None else left,
            previous=None if previous is None else previous.entry,
            after_signature=next((one.address for one in reversed(signed) if one.seen <= index), None),
        )

    def _continuity(self, index: int, change: Change, near: Neighbours) -> Continuity:
        if near.after is not None and not self._before(index, near.after.entry):
            return Continuity.CANNOT_TELL
        if not near.before:
            return Continuity.FIRST
        last, *rivals = near.before
        ordered = self._before(last.entry, index) and all(self._before(one.entry, last.entry) for one in rivals)
        left = self._bodies[last.entry].record.changes[last.ordinal].new
        goes_on = same(change.old, left) if ordered and not change.gap else None
        if goes_on is None:
            return Continuity.CANNOT_TELL
        return Continuity.HOLDS if goes_on else Continuity.BROKEN

    def _before(self, one: int, other: int) -> bool:
        """Whether it is known that one record happened before the other; of one record's changes the order is known."""
        return one == other or happened_before(self._place(one), self._place(other)) is True

    def _place(self, index: int) -> Happening:
        if index not in self._places:
            self._places[index] = self._placing.place(index, self._bodies[index])
        return self._places[index]

    def _signature(self, at: int) -> Covering:
        entry, _ = read_entry(self._store, self._connection, at, SignatureEntry)
        said = entry.statement
        return Covering(
            index=at,
            address=str(Address(said.origin, at)),
            account=said.signer.account,
            name=said.signer.name,
            role=said.signer.role,
            meaning=said.meaning.text,
            signed_at=said.signed_at,
            seen=said.seen.size,
        )


def _field(body: RecordBody, change: Change) -> Field:
    target = body.record.object
    return Field(body.record.source, target.type, target.id, change.attribute)
