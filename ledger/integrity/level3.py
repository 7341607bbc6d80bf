"""Level 3, as far as it is built: every stored checkpoint is signed by its log's key and consistent with the log today.

And what the logs say of each other: a checkpoint that one log holds of another is signed, is that other log's at that
size, and is still stored; so whoever cuts a log short, or takes a checkpoint away, must rewrite the other log too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from sqlalchemy import Connection

from ledger.core.checkpoint import open_checkpoint
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import unb64
from ledger.core.kinds import KindRegistry
from ledger.core.note import Verifier
from ledger.core.tiles import TileReader
from ledger.integrity.cosigned import cosigned_fault
from ledger.integrity.entries import read_entries
from ledger.integrity.fault import Fault, first
from ledger.integrity.key_events import key_events_fault, read_history
from ledger.integrity.pinned import cards_fault, pinned_fault
from ledger.integrity.rotated import rotated_fault
from ledger.integrity.scope import Check, Keys, Scope
from ledger.integrity.sites import sites_fault
from ledger.integrity.stamped import stamped_fault
from ledger.integrity.stored import CheckpointWrong, signed_note
from ledger.integrity.whole import read_heads
from ledger.store import checkpoints
from ledger.store.bulk import Bulk
from ledger.store.position import index_of, log_of
from ledger.store.reading import HeadRow, LogReader
from ledger.trust.kinds import LogBinding


def _checkpoints(scope: Scope) -> Fault | None:
    # The last one that was judged is looked at again: in its tree lie all before it.
    after = -1 if scope.since is None else scope.since.checkpoint - 1
    keys = scope.keys.get(scope.log.origin, ())
    return checkpoints_fault(scope.connection, scope.log.number, scope.log.origin, keys, scope.pulse, after)


def _bindings(scope: Scope) -> Fault | None:
    number, origin = scope.log.number, scope.log.origin
    read = read_bindings(scope.connection, scope.kinds) if scope.since is None else _new_bindings(scope)
    bindings = (one for one in read if number == one[0] or origin == one[2].origin)
    # Logs grow while they are verified: what they say of each other is held to the same snapshot.
    return bindings_fault(scope.connection, read_heads(scope.connection), scope.keys, bindings)


CHECKS: tuple[Check, ...] = (
    _checkpoints,
    pinned_fault,
    cards_fault,
    key_events_fault,
    rotated_fault,
    _bindings,
    cosigned_fault,
    stamped_fault,
    sites_fault,
)
"""All of level 3, in order; another check is a file of its own and a line here."""


def checkpoints_fault(
    connection: Connection,
    log: int,
    origin: str,
    keys: Sequence[Verifier],
    pulse: Callable[[int], None],
    after: int = -1,
) -> Fault | None:
    """The first checkpoint of a log above size `after` that does not hold, named by the last entry that it covers."""
    reader = LogReader(connection, log)
    tiles = reader.hashes(reader.head().size)
    for stored in checkpoints.every(connection, log, after):
        try:
            checkpoint = open_checkpoint(stored.note, origin, keys).checkpoint
            if checkpoint.size != stored.size:
                raise IntegrityError(f"the row of size {stored.size} holds the checkpoint of size {checkpoint.size}")
            # Roots of one tree are consistent with each other and with what it is today: no proof would say more.
            if reader.root(stored.size, tiles) != checkpoint.root:
                raise IntegrityError(f"the tree of size {stored.size} has another root")
        except LedgerError as error:
            return Fault(log=log, index=max(0, stored.size - 1), table="checkpoint", column="note", what=error.message)
        pulse(1)
    return None


def bindings_fault(
    connection: Connection, heads: Mapping[int, HeadRow], keys: Keys, bindings: Iterator[tuple[int, int, LogBinding]]
) -> Fault | None:
    """The first entry whose word of another log does not hold; `bindings` are (log, index, body) in order."""
    numbers = dict(Bulk(connection).all("SELECT origin, number FROM ledger_log", ()))
    tiles = {number: LogReader(connection, number).hashes(head.size) for number, head in heads.items()}
    return first(_binding_fault(connection, heads, keys, numbers, tiles, *one) for one in bindings)


def _binding_fault(
    connection: Connection,
    heads: Mapping[int, HeadRow],
    keys: Keys,
    numbers: Mapping[str, int],
    tiles: Mapping[int, TileReader],
    log: int,
    index: int,
    bound: LogBinding,
) -> Fault | None:
    try:
        number = numbers.get(bound.origin, -1)
        signed = open_checkpoint(bound.checkpoint.encode(), bound.origin, keys.get(bound.origin, ())).checkpoint
        if signed.size != bound.size or signed.root != unb64(bound.root):
            raise IntegrityError("size or root are not those of the checkpoint in it")
        if number not in heads or heads[number].size < bound.size:
            raise IntegrityError(f"log {bound.origin} held {bound.size} entries then, and holds fewer now")
        if LogReader(connection, number).root(bound.size, tiles[number]) != signed.root:
            raise IntegrityError(f"log {bound.origin} had another root at size {bound.size} then")
        signed_note(connection, number, bound.origin, keys.get(bound.origin, ()), bound.size, (log, index))
    except CheckpointWrong as error:
        return error.fault
    except LedgerError as error:
        return Fault(log=log, index=index, table="log_binding", column="root", what=error.message)
    return None


def read_bindings(connection: Connection, kinds: KindRegistry) -> Iterator[tuple[int, int, LogBinding]]:
    """The bindings that the logs hold, as their entries say: (log, index, body). Level 2 compares the table."""
    for (pos,) in Bulk(connection).all("SELECT pos FROM log_binding ORDER BY pos", ()):
        for entry in read_entries(connection, log_of(pos), index_of(pos), index_of(pos) + 1, kinds):
            if isinstance(entry.body, LogBinding):
                yield entry.log, entry.index, entry.body


def _new_bindings(scope: Scope) -> Iterator[tuple[int, int, LogBinding]]:
    """The bindings of all logs that no former run judged."""
    for log in read_heads(scope.connection):
        for index in scope.new("log_binding", log):
            body = scope.entry(log, index).body
            if isinstance(body, LogBinding):
                yield log, index, body


def log_keys(connection: Connection, kinds: KindRegistry) -> Keys:
    """The keys of each log, as its entries have them from entry 0 on: good against all but who can replace the log.

    Which of them might sign which checkpoint, `key_events_fault` says.

    Who pins the key outside asks for that one instead.
    """
    keys: dict[str, Sequence[Verifier]] = {}
    for (number,) in Bulk(connection).all("SELECT log FROM head WHERE size > 0 ORDER BY log", ()):
        found = read_history(connection, number, kinds)
        if found is not None:
            keys[found.history.origin] = found.history.verifiers
    return keys
