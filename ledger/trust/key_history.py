"""The keys of a log as its stored entries have them: for the signer, and for everybody who asks.

Each entry is held against its leaf, and each event against the rules (`core.log_keys`), before anything rests on it.
"""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, or_, select

from ledger.core.address import LogId
from ledger.core.entry import decode_leaf
from ledger.core.errors import ConfigError, IntegrityError
from ledger.core.hashing import b64, body_commitment
from ledger.core.key_events import KeyEvent, KeyEvent1, KeyEventSort, KeyPurpose, key_statement
from ledger.core.kinds import KindRegistry
from ledger.core.log_keys import IN_DOUBT, LogKeyHistory
from ledger.core.note import Signer
from ledger.core.published_keys import PublishedEvent, encode_events
from ledger.store import checkpoints
from ledger.store.logs import LogCreated, LogCreated2
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust.tables import key_event


class ToldKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key of a log as people see it; `since` is None for the one that the log was created with.

    `state`: `present`, `replaced` (its line may still stand beside the present key's) or `revoked`.
    """

    vkey: str
    state: str
    since: int | None
    beside: bool
    replaced: int | None
    revoked: int | None


class ToldRotation(msgspec.Struct, frozen=True, kw_only=True):
    """Entry `index` put `new` in the place of `old`, as entry `promised` had committed to."""

    index: int
    promised: int
    old: str
    new: str


class ToldCompromise(msgspec.Struct, frozen=True, kw_only=True):
    """Entry `index` confirmed that a key may have been in other hands, and what that means."""

    index: int
    key: str
    reported_at: str
    doubtful_from: str
    meaning: str


class ToldHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The life of a log's keys. `next`: the digest of the promised next key, by entry `promised`; None: none is."""

    origin: str
    keys: tuple[ToldKey, ...]
    rotations: tuple[ToldRotation, ...]
    next: str | None
    promised: int
    compromised: tuple[ToldCompromise, ...]


def told(history: LogKeyHistory) -> ToldHistory:
    """A history as every surface tells it."""
    return ToldHistory(
        origin=history.origin,
        keys=tuple(
            ToldKey(
                vkey=one.vkey,
                state=one.state,
                since=None if one.since < 0 else one.since,
                beside=one.beside,
                replaced=one.replaced,
                revoked=one.revoked,
            )
            for one in history.keys
        ),
        rotations=tuple(
            ToldRotation(index=one.index, promised=one.promised, old=str(one.old), new=str(one.new))
            for one in history.rotations
        ),
        next=history.promise,
        promised=history.promised,
        compromised=tuple(_told_compromise(index, event) for index, event in history.compromised),
    )


def _told_compromise(index: int, event: KeyEvent) -> ToldCompromise:
    said = event.compromise
    assert said is not None
    return ToldCompromise(
        index=index,
        key=event.key,
        reported_at=said.reported_at,
        doubtful_from=said.doubtful_from,
        meaning=said.meaning,
    )


def read_log_keys(connection: Connection, kinds: KindRegistry, log: int, size: int | None = None) -> LogKeyHistory:
    """A log's keys as its entries before `size` have them (default: all); raises IntegrityError, naming the entry."""
    reader = LogReader(connection, log)
    created = stored_body(reader, kinds, 0)
    if not isinstance(created, LogCreated):
        raise IntegrityError(f"entry 0 of log {log} does not name a key")
    history = LogKeyHistory(created.origin, created.key, created.next if isinstance(created, LogCreated2) else None)
    row = key_event.c
    end = pos_of(log + 1, 0) if size is None else pos_of(log, size)
    about = or_(row.purpose == KeyPurpose.LOG.value, row.event.in_([one.value for one in IN_DOUBT]))
    wanted = select(row.pos).where(row.pos >= pos_of(log, 0), row.pos < end, about)
    for pos in connection.scalars(wanted.order_by(row.pos)).all():
        event = stored_body(reader, kinds, index_of(pos))
        if not isinstance(event, KeyEvent1):
            raise IntegrityError(f"the table of key events names entry {index_of(pos)}, but its body says otherwise")
        try:
            history.enter(index_of(pos), event)
        except IntegrityError as error:
            raise IntegrityError(f"entry {index_of(pos)}, a key event, {error.message}") from None
    return history


def announcements(connection: Connection, kinds: KindRegistry, history: LogKeyHistory, log: int) -> tuple[str, ...]:
    """The rotations of a log's key as notes that old and new key signed, in their order."""
    return _notes(connection, kinds, history.origin, log, [rotation.index for rotation in history.rotations])


def receipt_announcements(connection: Connection, kinds: KindRegistry, log: LogId) -> tuple[str, ...]:
    """The replacements of the key that signs a log's receipts, as such notes."""
    row = key_event.c
    made = connection.scalars(
        select(row.pos)
        .where(row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0))
        .where(row.purpose == KeyPurpose.RECEIPT.value, row.event == KeyEventSort.CREATED.value)
        .order_by(row.pos)
    )
    # The first of them took no other's place.
    return _notes(connection, kinds, log.origin, log.number, [index_of(pos) for pos in made][1:])


def _notes(
    connection: Connection, kinds: KindRegistry, origin: str, log: int, indices: Sequence[int]
) -> tuple[str, ...]:
    reader = LogReader(connection, log)
    found = []
    for index in indices:
        event = stored_body(reader, kinds, index)
        assert isinstance(event, KeyEvent)
        found.append(f"{key_statement(origin, event)}\n{''.join(event.lines)}")
    return tuple(found)


def published_life(connection: Connection, kinds: KindRegistry, log: int, size: int) -> bytes:
    """What a log publishes of its keys beside its tiles: its creation and key events before `size`, and with each
    rotation the first checkpoint that holds it. Raises IntegrityError for an entry that is not what its leaf says.

    What is said of persons' keys is not among it: only the system log holds any, and it concerns their owners.
    """
    row, reader = key_event.c, LogReader(connection, log)
    wanted = select(row.pos, row.purpose, row.event).where(row.pos >= pos_of(log, 0), row.pos < pos_of(log, size))
    found = [(0, False)]
    for one in connection.execute(wanted.where(row.purpose != KeyPurpose.PERSON.value).order_by(row.pos)):
        rotates = (one.purpose, one.event) == (KeyPurpose.LOG.value, KeyEventSort.ROTATED.value)
        found.append((index_of(one.pos), rotates))
    return encode_events(_published(reader, kinds, index, rotates) for index, rotates in found if index < size)


def _published(reader: LogReader, kinds: KindRegistry, index: int, rotates: bool) -> PublishedEvent:
    stored_body(reader, kinds, index)
    stored = reader.entry(index)
    assert stored.salt is not None
    assert stored.body is not None
    first = checkpoints.covering(reader.connection, reader.log, index) if rotates else None
    note = None if first is None else first.note.decode()
    return PublishedEvent(index=index, salt=b64(stored.salt), body=msgspec.Raw(stored.body), note=note)


def choose_signers(history: LogKeyHistory, size: int, signers: Sequence[Signer]) -> tuple[Signer, ...]:
    """Those of `signers` that may sign a checkpoint of `size` entries, present key first.

    Raises ConfigError where one that has to is missing: what the others alone sign would not verify.
    """
    ours = {str(signer.verifier): signer for signer in signers}
    due = history.at(size)
    for key in due:
        if key.has_to_sign(size) and key.vkey not in ours:
            raise ConfigError(
                f"the key {key.verifier.name}+{key.verifier.key_id.hex()}, which has to sign, is not at hand",
                advice="Put the log's own key back; what another key signs, nobody can verify. Nothing was signed.",
            )
    return tuple(ours[key.vkey] for key in due if key.vkey in ours)


def stored_body(reader: LogReader, kinds: KindRegistry, index: int) -> msgspec.Struct:
    """An entry's body, if it is the one that its leaf commits to; else IntegrityError."""
    stored = reader.entry(index)
    leaf = decode_leaf(stored.leaf)
    if stored.salt is None or stored.body is None or b64(body_commitment(stored.salt, stored.body)) != leaf.body:
        raise IntegrityError(f"entry {index} of log {reader.log} is not what its leaf commits to")
    return kinds[leaf.kind].decode(stored.body)
