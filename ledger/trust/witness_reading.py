"""What is known of witnesses: the policies, what became of each checkpoint, and when it was cosigned."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.cosignature import cosigned_at
from ledger.core.entry import decode_leaf
from ledger.core.errors import IntegrityError
from ledger.core.kinds import KindRegistry
from ledger.core.note import Verifier, parse_note
from ledger.core.witness_policy import Quorum, WitnessPolicies
from ledger.store import checkpoints, schema
from ledger.store.checkpoints import StoredCheckpoint
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import MAX_INDEX, index_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust import witness_tables as t


def read_policies(
    connection: Connection,
    kinds: KindRegistry,
    before: int | None = None,
    read: Callable[[int], msgspec.Struct] | None = None,
) -> WitnessPolicies:
    """The policies as the entries of the system log have them: each comes into force as `core.witness_policy` says.

    `before`: only by entries before that one. `read` gives the body of an entry, if not as it is stored.
    """
    origin = next(log.origin for log in read_logs(connection) if log.number == SYSTEM_LOG)
    found = WitnessPolicies(origin)
    body = read or partial(_body, connection, kinds)
    end = MAX_INDEX + 1 if before is None else before
    row = t.witness_policy.c
    entered = select(row.pos).where(row.pos < pos_of(SYSTEM_LOG, end)).order_by(row.pos)
    waiting = [index_of(pos) for pos in connection.scalars(entered)]
    at = -1
    while True:
        decisive = _decisive(connection, origin, found, at, end)
        if waiting and (decisive is None or waiting[0] < decisive):
            at = waiting.pop(0)
        elif decisive is not None:
            at = decisive
        else:
            return found
        found.enter(at, body(at))


def newest(connection: Connection, origin: str, quorum: Quorum | None = None) -> tuple[int, int] | None:
    """The largest size of a log that witnesses were asked about (with this outcome), and the entry that says so."""
    row = t.witnessed.c
    query = select(row.size, row.pos).where(row.origin == origin).order_by(row.size.desc(), row.pos.desc()).limit(1)
    if quorum is not None:
        query = query.where(row.state == quorum.value)
    found = connection.execute(query).one_or_none()
    return None if found is None else (found.size, index_of(found.pos))


def of_checkpoint(connection: Connection, origin: str, size: int) -> tuple[Quorum, str] | None:
    """What became of a checkpoint, and what its quorum lacks; None if witnesses were not asked about it."""
    row = t.witnessed.c
    query = select(row.state, row.missing).where(row.origin == origin, row.size == size)
    found = connection.execute(query.order_by(row.pos.desc()).limit(1)).one_or_none()
    return None if found is None else (Quorum(found.state), found.missing)


def state_before(connection: Connection, origin: str, index: int) -> Quorum | None:
    """What became of the log's checkpoint before, by the entry that says so; None if nothing was entered before."""
    row = t.witnessed.c
    query = (
        select(row.state)
        .where(row.origin == origin, row.pos < pos_of(SYSTEM_LOG, index))
        .order_by(row.pos.desc())
        .limit(1)
    )
    found = connection.scalar(query)
    return None if found is None else Quorum(found)


def times(stored: StoredCheckpoint, keys: Iterable[Verifier]) -> Iterator[tuple[str, int]]:
    """Name and Unix seconds of each cosignature of a checkpoint that verifies by one of these keys."""
    note = parse_note(stored.note)
    text = note.text.encode()
    known = {(key.name, key.key_id): key for key in keys}
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is not None and key.verify(text, line.signature):
            yield line.name, cosigned_at(line)


def _decisive(connection: Connection, origin: str, found: WitnessPolicies, after: int, end: int) -> int | None:
    """The entry, after one and before `end`, that brings the next policy into force.

    None while there is none, or none waits.
    """
    if not found.pending:
        return None
    row, waiting = t.witnessed.c, found.pending[0].entry
    entry = found.in_force.entry
    query = (
        select(row.pos)
        .where(
            row.origin == origin,
            row.pos > pos_of(SYSTEM_LOG, after),
            row.pos < pos_of(SYSTEM_LOG, end),
            row.size > waiting,
            row.policy.is_(None) if entry is None else row.policy == entry,
            row.state != Quorum.MISSING.value,
        )
        .order_by(row.pos)
        .limit(1)
    )
    pos = connection.scalar(query)
    return None if pos is None else index_of(pos)


def _body(connection: Connection, kinds: KindRegistry, index: int) -> msgspec.Struct:
    stored = LogReader(connection, SYSTEM_LOG).entry(index)
    if stored.body is None:
        raise IntegrityError(f"entry {index} of the system log has no body")
    return kinds[decode_leaf(stored.leaf).kind].decode(stored.body)


def cosigned_by(connection: Connection, log: LogId, key: Verifier) -> StoredCheckpoint | None:
    """The largest checkpoint of a log that bears a line of this key that verifies."""
    row = schema.cosignature.c
    sizes = connection.scalars(
        select(row.size)
        .where(row.origin == log.origin, row.line.startswith(f"— {key.name} ", autoescape=True))
        .order_by(row.size.desc())
        .limit(20)
    ).all()
    for size in dict.fromkeys(sizes):
        stored = checkpoints.latest(connection, log.number, size)
        if stored.size == size and any(times(stored, (key,))):
            return stored
    return None
