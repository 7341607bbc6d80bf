"""The inventory of the site's systems: connected here, reviewed elsewhere, or open."""

from enum import StrEnum

import msgspec
from sqlalchemy import Connection, select

from ledger.core.entry import draft
from ledger.core.errors import NotFound, SchemaViolation
from ledger.sources import tables
from ledger.sources.life_kinds import SystemListed
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Standing(StrEnum):
    """How a system's audit trail is looked after."""

    CONNECTED = "connected"
    ELSEWHERE = "reviewed elsewhere"
    OPEN = "open"


class KnownSystem(msgspec.Struct, frozen=True, kw_only=True):
    """A system as the inventory has it now, and the entry that says so."""

    listed: SystemListed
    standing: Standing
    entry: int


def standing_of(system: SystemListed) -> Standing:
    """Connected by a source; else reviewed elsewhere, if it is said how; else open."""
    if system.source is not None:
        return Standing.CONNECTED
    return Standing.ELSEWHERE if system.reviewed else Standing.OPEN


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

    def list(self) -> list[KnownSystem]:
        """All systems that the site has, by id."""
        row = tables.site_system.c
        with self._store.reading() as connection:
            current = select(row.from_index).where(row.log == self._log, row.to_index.is_(None)).order_by(row.key)
            return [self._read(connection, index) for index in connection.scalars(current)]

    def _read(self, connection: Connection, index: int) -> KnownSystem:
        body = LogReader(connection, self._log).entry(index).body
        if body is None:
            raise NotFound(f"entry {index} of the inventory was disposed of")
        listed = self._store.kinds["system"].decode(body)
        assert isinstance(listed, SystemListed)
        return KnownSystem(listed=listed, standing=standing_of(listed), entry=index)
