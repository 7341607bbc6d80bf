"""The inventory of sources: registered by an entry, read as of now."""

from sqlalchemy import Connection, select

from ledger.core.authority import Authority
from ledger.core.entry import draft
from ledger.core.errors import NotFound
from ledger.core.sealing import check_members
from ledger.core.source import SourceConfig
from ledger.sources import tables
from ledger.sources.kinds import SourceRegistered
from ledger.store.reading import LogReader
from ledger.store.store import Store


class Inventory:
    """The sources of one log."""

    def __init__(self, store: Store, log: int) -> None:
        self._store = store
        self.log = log
        self._read_before: dict[tuple[str, int], SourceConfig] = {}

    def register(self, config: SourceConfig, authority: Authority) -> int:
        """Registers a source, or changes how it is configured; returns the entry's index."""
        check_members(config.seal)
        return self._store.append_one(self.log, draft(SourceRegistered.of(config, authority))).index

    def list(self) -> list[SourceConfig]:
        """All sources as they are configured now, by id."""
        with self._store.reading() as connection:
            current = select(tables.source.c.key).where(
                tables.source.c.log == self.log, tables.source.c.to_index.is_(None)
            )
            return [self._read(connection, key) for key in connection.scalars(current.order_by("key"))]

    def get(self, source_id: str) -> SourceConfig:
        """One source as it is configured now; raises NotFound."""
        with self._store.reading() as connection:
            return self._read(connection, source_id)

    def _read(self, connection: Connection, source_id: str) -> SourceConfig:
        row = tables.source.c
        index = connection.scalar(
            select(row.from_index).where(row.log == self.log, row.key == source_id, row.to_index.is_(None))
        )
        if index is None:
            raise NotFound(f"no source {source_id!r} is registered", advice="Register it with `trailseal source add`.")
        known = self._read_before.get((source_id, index))
        if known is not None:
            return known
        body = LogReader(connection, self.log).entry(index).body
        if body is None:
            raise NotFound(f"the registration of source {source_id!r} was disposed of")
        registered = self._store.kinds["source"].decode(body)
        assert isinstance(registered, SourceRegistered)
        return self._read_before.setdefault((source_id, index), registered.config())
