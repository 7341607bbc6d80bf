"""Changes read off the log's own entries, each checked against its leaf: never off a projection alone."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from ledger.changes.tables import gmp_change
from ledger.core import canonical
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.change import Change, ChangeEntry, ChangeState, body_of
from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, decode_leaf
from ledger.core.errors import IntegrityError, NotFound
from ledger.core.hashing import b64, body_commitment, leaf_hash, original_commitment
from ledger.core.kinds import KindRegistry, kind_of
from ledger.store.projections import Live
from ledger.store.reading import LogReader, VaultReader
from ledger.store.schema import as_of, metadata
from ledger.store.store import Store

Key = tuple[str, str]
"""A table of validities, and what of it an entry sets."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a log with all of its entries: `index` and `leaf` (hash) are of the one that proposes it, `latest` is
    its last.
    """

    log: LogId
    change: Change
    proposal: ChangeEntry
    index: int
    leaf: bytes
    proposed_us: int
    latest: int

    @property
    def waits(self) -> bool:
        """Whether it is still to be signed, or brought into effect."""
        return self.change.state is ChangeState.PROPOSED


def read_standing(store: Store, connection: Connection, log: LogId, change: str) -> Standing:
    """A change as it stands in this snapshot. Raises NotFound, IntegrityError for entries that contradict."""
    row = gmp_change.c
    indices = connection.scalars(
        select(row.from_index).where(row.log == log.number, row.key == change).order_by(row.from_index)
    ).all()
    if not indices:
        raise NotFound(f"there is no change {change!r} in log {log.name}")
    found = Change()
    first = b"", 0
    for index in indices:
        leaf, body = _entry(store, connection, log, index)
        if body.change != change:
            raise _contradiction(log, index)
        found.take(index, body)
        if index == indices[0]:
            first = leaf_hash(leaf), parse_utc(decode_leaf(leaf).logged_at)
    assert found.proposed is not None
    assert found.index is not None
    return Standing(
        log=log,
        change=found,
        proposal=found.proposed,
        index=found.index,
        leaf=first[0],
        proposed_us=first[1],
        latest=indices[-1],
    )


def lines_of(connection: Connection, standing: Standing) -> list[bytes]:
    """What a change brings, a line an entry. Raises IntegrityError where it is not what the proposal commits to."""
    ref = standing.proposal.original
    kept = VaultReader(connection).original(standing.log.number, standing.index)
    if ref is None or kept is None or b64(original_commitment(kept.salt, kept.value)) != ref.commitment:
        raise _contradiction(standing.log, standing.index)
    return kept.value.splitlines()


def bodies_of(kinds: KindRegistry, lines: Iterable[bytes], authority: Authority) -> Iterator[msgspec.Struct]:
    """The bodies that lines become under this authority; raises InvalidEntry for a line that becomes none."""
    for line in lines:
        members: dict[str, Any] = canonical.loads(line)
        kind = str(members.get("schema", "")).partition("/")[0]
        yield kinds[kind].decode(body_of(line, authority))


def keys_of(live: Live, log: int, body: msgspec.Struct) -> list[Key]:
    """What an entry with this body would set, by the tables of validities as they are live."""
    kind = kind_of(type(body))
    entry = Entry(log=log, index=0, kind=kind, logged_us=0, body=body)
    return [
        (projector.table, change.key)
        for projector in live.validities
        if kind in projector.kinds
        for change in projector.changes(entry)
    ]


def since(connection: Connection, log: int, keys: Iterable[Key], index: int) -> tuple[Key, int] | None:
    """One of these that an entry after `index` has set, and that entry."""
    by_table: dict[str, set[str]] = {}
    for table, key in keys:
        by_table.setdefault(table, set()).add(key)
    for name, wanted in by_table.items():
        row = metadata.tables[name].c
        newer = select(row.key, row.from_index).where(row.log == log, row.from_index > index)
        for key, entry in connection.execute(newer):
            if key in wanted:
                return (name, key), entry
    return None


def held(connection: Connection, log: int, keys: Sequence[Key], size: int | None) -> int | None:
    """The entry that had set the first of these, as of a size (now, if none is given); None: none had."""
    if not keys:
        return None
    name, key = keys[0]
    table = metadata.tables[name]
    return connection.scalar(
        select(table.c.from_index).where(table.c.log == log, table.c.key == key, as_of(table, size))
    )


def _entry(store: Store, connection: Connection, log: LogId, index: int) -> tuple[bytes, ChangeEntry]:
    stored = LogReader(connection, log.number).entry(index)
    leaf = decode_leaf(stored.leaf)
    if stored.body is None or b64(body_commitment(stored.salt or b"", stored.body)) != leaf.body:
        raise _contradiction(log, index)
    body = store.kinds[leaf.kind].decode(stored.body)
    if not isinstance(body, ChangeEntry):
        raise _contradiction(log, index)
    return stored.leaf, body


def _contradiction(log: LogId, index: int) -> IntegrityError:
    return IntegrityError(f"what is kept of a change contradicts entry {index} of log {log.name}")
