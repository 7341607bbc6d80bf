"""The inventory of the site's systems: connected here, reviewed elsewhere, or open."""

from collections import Counter
from enum import StrEnum

import msgspec
from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import Conflict, NotFound, SchemaViolation
from ledger.core.kinds import KindRegistry
from ledger.sources import tables
from ledger.sources.life_kinds import LifeState, SystemListed
from ledger.store.append import Batch, Transaction
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.store.store import Store


class Standing(StrEnum):
    """How a system's audit trail is looked after."""

    CONNECTED = "connected"
    ELSEWHERE = "reviewed elsewhere"
    OPEN = "open"


class KnownSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system as the inventory has it, and the entry that says so."""

    listed: SystemListed
    standing: Standing
    entry: int


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """How many systems the inventory has, by how their trails are looked after; the ids of those that are open."""

    connected: int
    elsewhere: int
    open: int
    open_systems: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.connected + self.elsewhere + self.open


def standing_of(system: SystemListed, ended: bool = False) -> Standing:
    """Connected by a source that has not `ended`; else reviewed elsewhere, if it is said how; else open."""
    if system.source is not None and not ended:
        return Standing.CONNECTED
    return Standing.ELSEWHERE if system.reviewed else Standing.OPEN


def systems_of(connection: Connection, kinds: KindRegistry, log: int, size: int | None = None) -> list[KnownSystem]:
    """All systems of a log's inventory as of a size (now, if none is given), by id.

    A system whose source was decommissioned is connected no longer.
    """
    row, life = tables.site_system.c, tables.source_life.c
    ended = set(
        connection.scalars(
            select(life.key).where(
                life.log == log, life.state == LifeState.DECOMMISSIONED.value, as_of(tables.source_life, size)
            )
        )
    )
    current = select(row.from_index).where(row.log == log, as_of(tables.site_system, size)).order_by(row.key)
    listed = [(index, _read(connection, kinds, log, index)) for index in connection.scalars(current)]
    return [KnownSystem(listed=one, standing=standing_of(one, one.source in ended), entry=at) for at, one in listed]


def counts(systems: list[KnownSystem]) -> Counts:
    """The inventory in three figures."""
    found = Counter(one.standing for one in systems)
    return Counts(
        connected=found[Standing.CONNECTED],
        elsewhere=found[Standing.ELSEWHERE],
        open=found[Standing.OPEN],
        open_systems=tuple(one.listed.system for one in systems if one.standing is Standing.OPEN),
    )


class Systems:
    """The inventory of one log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self._log = log

    def put(self, system: SystemListed) -> int:
        """Lists a system, or says anew how it is; returns the entry's index.

        Raises NotFound if the source that it names is not registered, SchemaViolation where something is too long.
        """
        try:
            checked = msgspec.convert(msgspec.to_builtins(system), SystemListed)
        except msgspec.ValidationError as error:
            raise SchemaViolation(f"system {system.system!r}: {error}", advice="Correct what is named.") from None
        if system.source is not None:
            row = tables.source.c
            with self._store.reading() as connection:
                known = connection.scalar(
                    select(row.key).where(row.log == self._log, row.key == system.source, row.to_index.is_(None))
                )
            if known is None:
                raise NotFound(f"no source {system.source!r} is registered", advice="See `trailseal source list`.")
        return self._store.append_one(self._log, draft(checked)).index

    def retire(self, system: str, reason: str, authority: Authority) -> int:
        """From here on the site has the system no more; returns the entry's index.

        Raises NotFound if the inventory does not have it, Conflict if it was changed meanwhile.
        """
        now = self.get(system)
        entry = msgspec.structs.replace(now.listed, retired=True, reason=reason, authority=authority)

        def check(transaction: Transaction) -> None:
            key = ("system", system)
            if transaction.scratch.get(key) or self._index(transaction.connection, system) != now.entry:
                raise Conflict(f"system {system!r} was just changed", advice="Look, and try again.")
            transaction.scratch[key] = True

        return self._store.append(self._log, Batch([draft(entry)], before=check))[0].index

    def get(self, system: str, size: int | None = None) -> KnownSystem:
        """One system as of a size; raises NotFound."""
        for one in self.list(size):
            if one.listed.system == system:
                return one
        raise NotFound(f"the inventory has no system {system!r}", advice="See `trailseal inventory list`.")

    def list(self, size: int | None = None) -> list[KnownSystem]:
        """All systems that the site has as of a size, by id."""
        with self._store.reading() as connection:
            return systems_of(connection, self._store.kinds, self._log, size)

    def _index(self, connection: Connection, system: str) -> int | None:
        row = tables.site_system.c
        index: int | None = connection.scalar(
            select(row.from_index).where(row.log == self._log, row.key == system, row.to_index.is_(None))
        )
        return index


def _read(connection: Connection, kinds: KindRegistry, log: int, index: int) -> SystemListed:
    body = LogReader(connection, log).entry(index).body
    if body is None:
        raise NotFound(f"entry {index} of the inventory was disposed of")
    listed = kinds["system"].decode(body)
    assert isinstance(listed, SystemListed)
    return listed
