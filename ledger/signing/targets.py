"""What can be signed: entries of a log, or one entry as a document, fixed by their leaf hashes as they stand."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.errors import Conflict, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.signature import MAX_ENTRIES, Seen, Target, TargetSort, target_root
from ledger.signing.tables import signed_entry
from ledger.store import checkpoints
from ledger.store.reading import LogReader
from ledger.store.store import Store


def of_entries(
    connection: Connection,
    log: LogId,
    indices: Iterable[int],
    *,
    sort: TargetSort = TargetSort.ENTRIES,
    name: str | None = None,
    version: str | None = None,
) -> Target:
    """These entries of a log as one thing to sign, in the order of the log.

    `name` and `version`: what people call it, by default its addresses and the size of the log. Raises NotFound for an
    entry that is not there, SchemaViolation for none or more than can be listed.
    """
    chosen = sorted(set(indices))
    if not 0 < len(chosen) <= MAX_ENTRIES:
        raise SchemaViolation(
            f"{len(chosen)} entries cannot be signed one by one", advice=f"Choose between 1 and {MAX_ENTRIES}."
        )
    reader = LogReader(connection, log.number)
    leaves = [leaf_hash(stored.leaf) for stored in reader.chosen(chosen)]
    return Target(
        sort=sort,
        id=name or _named(log, chosen),
        version=version or f"size {reader.head().size}",
        origin=log.origin,
        count=len(chosen),
        root=target_root(leaves),
        entries=tuple(chosen),
        leaves=tuple(map(b64, leaves)),
    )


def seen_now(connection: Connection, log: LogId, target: Target) -> Seen:
    """The latest checkpoint of the log, which has to cover what is signed; raises Conflict while it does not."""
    reader = LogReader(connection, log.number)
    last = max(target.entries, default=0)
    covered = checkpoints.covering(connection, log.number, last)
    if covered is None:
        raise Conflict(
            f"no checkpoint of log {log.name} covers entry {last} yet", advice="Wait for the next one and try again."
        )
    latest = checkpoints.latest(connection, log.number)
    return Seen(origin=log.origin, size=latest.size, root=b64(reader.root(latest.size)))


def still_there(connection: Connection, log: LogId, target: Target) -> bool:
    """Whether the log holds exactly the entries that a target fixes."""
    reader = LogReader(connection, log.number)
    stored = {one.index: leaf_hash(one.leaf) for one in reader.chosen(target.entries)}
    return tuple(b64(stored[index]) for index in target.entries) == target.leaves


def signs_anything(store: Store, origin: str) -> bool:
    """Whether a signature lists an entry of this log."""
    with store.reading() as connection:
        there = select(signed_entry.c.pos).where(signed_entry.c.origin == origin).limit(1)
        return connection.execute(there).first() is not None


def _named(log: LogId, indices: Sequence[int]) -> str:
    if len(indices) == 1:
        return str(Address(log.origin, indices[0]))
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    shown = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
    text = f"{log.origin}#{shown}"
    return text if len(text) <= 300 else f"{len(indices)} entries of {log.origin}, from {indices[0]} to {indices[-1]}"
