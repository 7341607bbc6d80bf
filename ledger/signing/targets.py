"""What can be signed: entries of a log, or one entry as a document, fixed by their leaf hashes as they stand."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from ledger.core.address import Address, LogId
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.hashing import b64, leaf_hash
from ledger.core.members import Members
from ledger.core.signature import MAX_ENTRIES, Seen, Target, TargetSort, members, target_root
from ledger.signing.sets import fixed
from ledger.signing.tables import SIGNATURE, STRETCH, set_run, signed_entry
from ledger.store import checkpoints
from ledger.store.bulk import Bulk
from ledger.store.position import index_of
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
            f"{len(chosen)} entries cannot be signed one by one",
            advice=f"Choose between 1 and {MAX_ENTRIES}; ask for signatures over a larger set by a request.",
        )
    if chosen[0] < 0:
        raise NotFound(f"log {log.name} has no entry {chosen[0]}")
    reader = LogReader(connection, log.number)
    version = version or f"size {reader.head().size}"
    name = name or _named(log, chosen)
    return fixed(reader, log, Members.of(chosen), sort=sort, name=name, version=version, by_root=False)


def of_set(connection: Connection, log: LogId, runs: str, *, sort: TargetSort, name: str | None) -> Target:
    """The set of these runs, fixed by its Merkle root. Raises NotFound for an entry that is not there."""
    reader, chosen = LogReader(connection, log.number), Members.read(runs)
    named = name or f"{len(chosen)} entries of {log.origin}"
    version = f"size {reader.head().size}"
    return fixed(reader, log, chosen, sort=sort, name=named, version=version, by_root=True)


def seen_now(connection: Connection, log: LogId, target: Target) -> Seen:
    """The latest checkpoint of the log, which has to cover what is signed; raises Conflict while it does not."""
    reader = LogReader(connection, log.number)
    last = members(target).last
    covered = checkpoints.covering(connection, log.number, last)
    if covered is None:
        raise Conflict(
            f"no checkpoint of log {log.name} covers entry {last} yet", advice="Wait for the next one and try again."
        )
    latest = checkpoints.latest(connection, log.number)
    return Seen(origin=log.origin, size=latest.size, root=b64(reader.root(latest.size)))


def still_there(connection: Connection, log: LogId, target: Target) -> bool:
    """Whether the log holds exactly the entries that a target fixes."""
    return unlike(connection, log, target) is None


def unlike(connection: Connection, log: LogId, target: Target) -> str | None:
    """What of a target the log does not hold, as a sentence; None where it holds all of it. Raises NotFound.

    A set by its runs has one hash for all of its entries, so that which of them is another is not told.
    """
    chosen = members(target)
    hashes = map(leaf_hash, LogReader(connection, log.number).leaves(chosen))
    if target.runs is not None:
        same = target_root(hashes) == target.root
        return None if same else f"the {target.count} entries of {target.origin} are not those that were signed"
    for index, found, leaf in zip(chosen, hashes, target.leaves, strict=True):
        if b64(found) != leaf:
            return f"entry {index} of {target.origin} is not what was signed"
    return None


def signs_anything(store: Store, origin: str) -> bool:
    """Whether a signature lists an entry of this log."""
    with store.reading() as connection:
        listed = select(signed_entry.c.pos).where(signed_entry.c.origin == origin)
        told = select(set_run.c.pos).where(set_run.c.origin == origin, set_run.c.sort == SIGNATURE)
        return any(connection.execute(one.limit(1)).first() is not None for one in (listed, told))


def signatures_over(connection: Connection, origin: str, index: int) -> list[int]:
    """The entries of all signatures over an entry of a log, listed or in a set, oldest first."""
    row = signed_entry.c
    listed = connection.scalars(select(row.pos).where(row.origin == origin, row.target == index)).all()
    return sorted(map(index_of, {*listed, *sets_with(connection, origin, index, SIGNATURE)}))


def signatures_over_each(connection: Connection, origin: str, indices: Sequence[int]) -> dict[int, list[int]]:
    """`signatures_over` of each of these entries that has any, in one look at the tables."""
    if not indices:
        return {}
    wanted = ", ".join(["(?)"] * len(indices))
    rows = Bulk(connection).all(
        f"WITH wanted(target) AS (VALUES {wanted}) SELECT w.target, e.pos FROM wanted w JOIN {signed_entry.name} e"
        " ON e.origin = ? AND e.target = w.target UNION SELECT w.target, r.pos FROM wanted w"
        f" JOIN {set_run.name} r ON r.origin = ? AND r.sort = ?"
        f" AND r.low BETWEEN w.target / {STRETCH} * {STRETCH} AND w.target AND r.high >= w.target",
        (*indices, origin, origin, SIGNATURE),
    )
    found: dict[int, list[int]] = {}
    for target, pos in sorted(rows):
        found.setdefault(target, []).append(index_of(pos))
    return found


def sets_with(connection: Connection, origin: str, index: int, sort: str) -> Sequence[int]:
    """The places of the signatures, or requests, whose set holds an entry of a log."""
    row = set_run.c
    # No run goes over the end of its stretch, so one that holds the entry begins in the entry's own.
    begins = row.low.between(index - index % STRETCH, index)
    return connection.scalars(
        select(row.pos).where(row.origin == origin, row.sort == sort, begins, row.high >= index)
    ).all()


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
