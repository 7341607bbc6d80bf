"""The inventory of sources: registered by an entry, read as of now."""

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection, Table, select

from ledger.core.authority import Authority
from ledger.core.entry import Draft, draft
from ledger.core.errors import ChangeRequestRequired, Conflict, NotFound
from ledger.core.sealing import check_members
from ledger.core.source import SourceConfig
from ledger.sources import tables
from ledger.sources.changing import differing, require_same_sort, type_of
from ledger.sources.kinds import MappingAdopted, SourceRegistered
from ledger.sources.life import reconfigured, standing
from ledger.store.append import Batch, Placed, Transaction
from ledger.store.reading import LogReader
from ledger.store.schema import as_of
from ledger.store.store import Store


class MappingVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping that a source had from one entry to another (None: to this day); `text` None: it had none."""

    entry: int
    until: int | None
    text: str | None


class Inventory:
    """The sources of one log."""

    def __init__(self, store: Store, log: int, controlled: Callable[[Transaction], bool] | None = None) -> None:
        """`controlled`: whether configuration changes by change request and second signature now (None: never)."""
        self._store = store
        self._controlled = controlled
        self.log = log
        self._read_before: dict[tuple[str, int, int | None], SourceConfig] = {}

    def register(self, config: SourceConfig, authority: Authority) -> int:
        """Registers a source, or changes how it is configured; returns the entry's index.

        A mapping that is not the one it has is an entry of its own, in the same transaction. Raises Conflict where an
        archive would become a live source, or the other way round; ChangeRequestRequired once two persons hold roles
        where a source that is there would have another mapping, or otherwise what `changing.CONTROLLED` names.
        """
        check_members(config.seal)

        def adopt(transaction: Transaction, _: Sequence[Placed]) -> Sequence[Draft]:
            entries: list[Draft] = []
            before = self._mapping(transaction.connection, config.id)
            if config.mapping != (before.text if before else None):
                adopted = MappingAdopted(source=config.id, text=config.mapping, authority=authority)
                entries.append(draft(adopted))
            life = reconfigured(standing(transaction.connection, self.log, config.id), config.id, authority)
            return entries if life is None else [*entries, draft(life)]

        def possible(transaction: Transaction) -> None:
            before = type_of(transaction.connection, self.log, config.id)
            if before is not None:
                require_same_sort(config.id, before, config.type)
            if transaction.scratch.get(("source", config.id)):
                raise Conflict(f"source {config.id!r} was registered at this very moment", advice="Look at it again.")
            transaction.scratch["source", config.id] = True
            if before is not None and self._controlled is not None and self._controlled(transaction):
                self._require_unchanged(transaction.connection, registered, config.mapping)

        registered = SourceRegistered.of(config, authority)
        return self._store.append(self.log, Batch([draft(registered)], closing=adopt, before=possible))[0].index

    def mappings(self, source_id: str) -> list[MappingVersion]:
        """Every mapping that a source had, oldest first; raises NotFound for an unknown source."""
        row = tables.mapping.c
        with self._store.reading() as connection:
            self.as_of(connection, source_id, None)
            found = connection.execute(
                select(row.from_index, row.to_index)
                .where(row.log == self.log, row.key == source_id)
                .order_by(row.from_index)
            ).all()
            return [
                MappingVersion(entry=entry, until=until, text=self._adopted(connection, entry))
                for entry, until in found
            ]

    def list(self) -> list[SourceConfig]:
        """All sources as they are configured now, by id."""
        with self._store.reading() as connection:
            current = select(tables.source.c.key).where(
                tables.source.c.log == self.log, tables.source.c.to_index.is_(None)
            )
            return [self.as_of(connection, key, None) for key in connection.scalars(current.order_by("key"))]

    def get(self, source_id: str) -> SourceConfig:
        """One source as it is configured now; raises NotFound."""
        with self._store.reading() as connection:
            return self.as_of(connection, source_id, None)

    def as_of(self, connection: Connection, source_id: str, size: int | None) -> SourceConfig:
        """One source as it was configured as of a size (now, if none is given), in the caller's snapshot; raises
        NotFound.
        """
        index = self._entry_of(connection, tables.source, source_id, size)
        if index is None:
            raise NotFound(f"no source {source_id!r} is registered", advice="Register it with `trailseal source add`.")
        mapped = self._entry_of(connection, tables.mapping, source_id, size)
        known = self._read_before.get((source_id, index, mapped))
        if known is not None:
            return known
        body = LogReader(connection, self.log).entry(index).body
        if body is None:
            raise NotFound(f"the registration of source {source_id!r} was disposed of")
        registered = self._store.kinds["source"].decode(body)
        assert isinstance(registered, SourceRegistered)
        adopted = None if mapped is None else self._adopted(connection, mapped)
        config = msgspec.structs.replace(registered.config(), mapping=adopted)
        return self._read_before.setdefault((source_id, index, mapped), config)

    def turns(self, connection: Connection, source_id: str) -> Sequence[int]:
        """The entries by which a source was configured otherwise than before, in order: between two of them `as_of` is
        the same.
        """
        found: set[int] = set()
        for table in (tables.source, tables.mapping):
            row = table.c
            mine = select(row.from_index, row.to_index).where(row.log == self.log, row.key == source_id)
            found.update(edge for edges in connection.execute(mine) for edge in edges if edge is not None)
        return sorted(found)

    def _require_unchanged(self, connection: Connection, wanted: SourceRegistered, mapping: str | None) -> None:
        now = self.as_of(connection, wanted.id, None)
        other = differing(SourceRegistered.of(now, wanted.authority), wanted)
        other += ["mapping"] if mapping != now.mapping else []
        if other:
            raise ChangeRequestRequired(
                f"source {wanted.id!r} has another {' and '.join(other)}: that is changed by change request and a "
                "second signature",
                advice="Register it as it is, and propose what is to be otherwise: `trailseal source change`, and "
                "`trailseal source mapping`.",
            )

    def _mapping(self, connection: Connection, source_id: str) -> MappingAdopted | None:
        index = self._entry_of(connection, tables.mapping, source_id, None)
        return None if index is None else self._entry(connection, index)

    def _adopted(self, connection: Connection, index: int) -> str | None:
        adopted = self._entry(connection, index)
        return None if adopted is None else adopted.text

    def _entry(self, connection: Connection, index: int) -> MappingAdopted | None:
        body = LogReader(connection, self.log).entry(index).body
        if body is None:
            return None
        adopted = self._store.kinds["mapping"].decode(body)
        assert isinstance(adopted, MappingAdopted)
        return adopted

    def _entry_of(self, connection: Connection, table: Table, source_id: str, size: int | None) -> int | None:
        """The entry that holds for a source as of a size."""
        index: int | None = connection.scalar(
            select(table.c.from_index).where(table.c.log == self.log, table.c.key == source_id, as_of(table, size))
        )
        return index


def registered_sources(connection: Connection) -> frozenset[str]:
    """The ids of all sources of all record logs."""
    row = tables.source.c
    return frozenset(connection.scalars(select(row.key).where(row.to_index.is_(None))))


def unknown(connection: Connection, source: str | None) -> str | None:
    """The source of a question, where none of that id is registered: its empty answer says nothing about a source."""
    return None if source is None or source in registered_sources(connection) else source
