"""Which projector turns which kind of entry into rows of which tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from ledger.core.entry import Entry
from ledger.core.errors import ConfigError
from ledger.core.projector import FactsProjector, Projector, Valid, ValiditiesProjector
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite
from ledger.store.schema import metadata, projection_version

Rows = dict[str, list[tuple[Any, ...]]]


class Projections:
    """The projectors of an installation: of each name every version it has, and which version is live."""

    def __init__(self, projectors: Iterable[Projector]) -> None:
        self._all: dict[tuple[str, int], Projector] = {}
        for projector in projectors:
            if (projector.name, projector.version) in self._all:
                raise ConfigError(f"projector {projector.name}/{projector.version} is registered twice")
            self._all[projector.name, projector.version] = projector
        self._lives: dict[frozenset[tuple[str, int]], Live] = {}

    def newest(self) -> "Live":
        """The newest version of every projector: what a new ledger starts with."""
        versions: dict[str, int] = {}
        for name, version in self._all:
            versions[name] = max(version, versions.get(name, 0))
        return self.live(versions)

    def live(self, versions: dict[str, int]) -> "Live":
        """The projectors of these versions; raises ConfigError if this program doesn't have one of them."""
        missing = [f"{name}/{version}" for name, version in versions.items() if (name, version) not in self._all]
        if missing:
            raise ConfigError(
                f"the ledger's tables are written by projector versions this program lacks: {', '.join(missing)}",
                advice="Run the newest installed version of Trailseal everywhere.",
            )
        chosen = frozenset(versions.items())
        if chosen not in self._lives:
            self._lives[chosen] = Live(versions, [self._all[key] for key in versions.items()])
        return self._lives[chosen]

    def read_live(self, connection: Connection) -> "Live":
        """The versions that the live tables come from, as the database says."""
        return self.live(read_versions(connection))

    def names(self) -> list[str]:
        return sorted({name for name, _ in self._all})

    def get(self, name: str, version: int) -> Projector:
        return self._all[name, version]


class Live:
    """One version of each projector, ready to project entries as they are appended or replayed."""

    def __init__(self, versions: dict[str, int], projectors: Sequence[Projector]) -> None:
        self.versions = versions
        self.projectors = tuple(projectors)
        self.facts: list[FactsProjector] = []
        self.validities: list[ValiditiesProjector] = []
        self._facts_of: dict[str, list[FactsProjector]] = {}
        self._validities_of: dict[str, list[ValiditiesProjector]] = {}
        for projector in projectors:
            # Asked once for each: to look whether an object keeps a protocol takes longer than all the rest.
            if isinstance(projector, FactsProjector):
                self.facts.append(projector)
                for kind in projector.kinds:
                    self._facts_of.setdefault(kind, []).append(projector)
            else:
                self.validities.append(projector)
                for kind in projector.kinds:
                    self._validities_of.setdefault(kind, []).append(projector)

    def project(self, entry: Entry, rows: Rows, changes: list[tuple[str, int, Valid]]) -> None:
        """Adds the entry's rows to `rows`, and its validities, in order, to `changes`."""
        for facts in self._facts_of.get(entry.kind, ()):
            for table, values in facts.rows(entry):
                if table in rows:
                    rows[table].append(values)
                else:
                    rows[table] = [values]
        for validities in self._validities_of.get(entry.kind, ()):
            changes.extend((validities.table, entry.index, change) for change in validities.changes(entry))

    def write(self, connection: Connection, bulk: Bulk, entries: Sequence[Entry]) -> None:
        """Inserts the rows of newly appended entries.

        Rows of a projector's first table are made while the database takes those before them: PostgreSQL works on
        them at the same time.
        """
        kinds = {entry.kind for entry in entries}
        for facts in self._facts_for(kinds):
            chosen = [entry for entry in entries if entry.kind in facts.kinds]
            rest: Rows = {}
            first = facts.tables[0]
            bulk.insert(metadata.tables[first], _first_rows(facts, chosen, first, rest), len(chosen))
            for table, rows in rest.items():
                bulk.insert(metadata.tables[table], rows, len(rows))
        if self._validities_of.keys().isdisjoint(kinds):
            return
        changes = [
            (validities.table, entry.index, change)
            for entry in entries
            for validities in self._validities_of.get(entry.kind, ())
            for change in validities.changes(entry)
        ]
        write_changes(connection, entries[0].log, changes)

    def _facts_for(self, kinds: set[str]) -> Sequence[FactsProjector]:
        """The projectors of facts of any of these kinds, in their order."""
        if len(kinds) == 1:
            (kind,) = kinds
            return self._facts_of.get(kind, ())
        return [facts for facts in self.facts if not facts.kinds.isdisjoint(kinds)]


def _first_rows(facts: FactsProjector, entries: Sequence[Entry], first: str, rest: Rows) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of the projector's first table; what it has for its other tables goes to `rest`."""
    for entry in entries:
        for table, values in facts.rows(entry):
            if table == first:
                yield values
            elif table in rest:
                rest[table].append(values)
            else:
                rest[table] = [values]


def write_changes(
    connection: Connection,
    log: int,
    changes: Iterable[tuple[str, int, Valid]],
    tables: Mapping[str, Table] = metadata.tables,
) -> None:
    """Closes and opens validity rows, in the order of the entries; `tables` are the live ones unless told otherwise."""
    bulk = Bulk(connection)
    for name, index, change in changes:
        table = tables[name]
        connection.execute(
            table.update()
            .where(table.c.log == log, table.c.key == change.key, table.c.to_index.is_(None))
            .values(to_index=index)
        )
        if change.values is not None:
            bulk.insert(table, [(log, change.key, index, None, *change.values)], 1)


def install(connection: Connection, live: Live) -> None:
    """Names the versions that the live tables of a new ledger come from."""
    Bulk(connection).insert(projection_version, list(live.versions.items()), len(live.versions))


def read_versions(connection: Connection) -> dict[str, int]:
    """The live version of each projector, by name."""
    rows = connection.execute(select(projection_version.c.name, projection_version.c.version))
    return {row.name: row.version for row in rows}


def hold_live(connection: Connection) -> None:
    """First statement of a reading transaction: until its end, no rebuilt table takes the place of one it may read.

    PostgreSQL only. There a renamed table shows a snapshot from before the swap no rows; SQLite's snapshots hold the
    old table.
    """
    if not is_sqlite(connection):
        connection.exec_driver_sql("LOCK TABLE projection_version IN ACCESS SHARE MODE")


def hold_all(connection: Connection) -> None:
    """First statement of the swap: every append and every read that began before has ended, and none begins.

    In PostgreSQL every append reads `projection_version` before anything else, and takes that statement's snapshot only
    once it may: so it sees the versions that the swap leaves. In SQLite the writer's transaction is that already.
    """
    if not is_sqlite(connection):
        connection.exec_driver_sql("LOCK TABLE projection_version IN ACCESS EXCLUSIVE MODE")


def set_version(connection: Connection, name: str, version: int) -> None:
    """Names the version that a projector's live tables come from, from this transaction on."""
    table = projection_version
    known = connection.execute(table.update().where(table.c.name == name).values(version=version)).rowcount
    if not known:
        connection.execute(table.insert().values(name=name, version=version))
