"""Rebuilds projections from the log while appends go on, and so brings in a projector's new version.

One mechanism for both: shadow tables are filled by replaying the log a range at a time; then, while no append runs, the
rest is replayed and the shadows take the live tables' place in one transaction. A process that appends sees the new
versions with its next append. Every entry that is replayed is checked against chain and commitment first, so what a
projection is rebuilt from is what was logged. Memory is flat in the length of the log.

A new version may fill its tables with other rows. If it needs other columns it declares a table of another name, which
a migration creates.
"""

import contextlib
import copy
import fcntl
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from ledger.core.clock import parse_utc
from ledger.core.entry import Entry, check_entry, decode_leaf
from ledger.core.errors import Conflict, IntegrityError, InvalidEntry, NotFound
from ledger.core.hashing import ZERO_HASH
from ledger.core.merkle import Frontier
from ledger.core.projector import FactsProjector, Projector, Valid
from ledger.store import key_index, schema, shadow
from ledger.store.append_only import DISPOSED, SEARCHED
from ledger.store.bulk import Bulk
from ledger.store.engine import is_sqlite, writer_engine
from ledger.store.gone import Gone
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.projections import Rows, hold_all, read_versions, set_version, write_changes
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.store.vocabulary import vocabulary

HEAD = "head"
"""Rebuilt like a projection, but in place: the head row of each log, recomputed from its leaves."""

RANGE = 1000
"""Entries replayed at once; between two ranges appends have their turn."""
PASSES = 8
"""How often the replay follows a log that grows meanwhile, before it is finished with the appends held up."""
LOCK_MS = 1000
"""How long the swap waits, and appends behind it, for transactions that began before; then it lets them pass."""
ATTEMPTS = 300
"""How often the swap tries to get its turn, a second apart."""
_ADVISORY_KEY = 0x747261696C7265  # "trailre"


class RebuiltProjection(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one projector: the version before (None: it was not there) and now, and rows by table."""

    name: str
    version_before: int | None
    version: int
    rows: dict[str, int]


class HeadCorrected(msgspec.Struct, frozen=True, kw_only=True):
    """A head row that was not what the log's leaves give, by the columns that differed."""

    log: int
    columns: tuple[str, ...]


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What a rebuild did: entries replayed, each projection, and the head rows that were wrong."""

    entries: int
    projections: tuple[RebuiltProjection, ...]
    heads_corrected: tuple[HeadCorrected, ...]


Progress = Callable[[int, int], None]
"""Told entries replayed so far, and entries in all logs."""


def names(store: Store) -> list[str]:
    """Everything that `rebuild` can rebuild, by name."""
    return [*store.projections.names(), HEAD]


def rebuild(
    store: Store,
    owner_url: str | URL,
    projections: Collection[str] | None = None,
    progress: Progress = lambda _done, _all: None,
) -> Rebuilt:
    """Rebuilds these projections (None: all, and the head), each in the newest version that this program has.

    `owner_url` is the URL that migrates: in PostgreSQL the owner role's. Appends and reads go on. Raises NotFound for a
    name that is none, ConfigError if the live tables are of a version that this program lacks, Conflict if another
    rebuild runs or readers never let go, IntegrityError, naming the entry, if the log itself does not hold; the live
    tables are then as they were.
    """
    known = names(store)
    chosen = known if projections is None else list(dict.fromkeys(projections))
    for name in chosen:
        if name not in known:
            raise NotFound(f"there is no projection {name!r}", advice=f"It is one of: {', '.join(known)}.")
    engine = writer_engine(owner_url)
    try:
        with _alone(engine):
            with store.reading() as connection:
                store.projections.read_live(connection)
            return _Rebuild(store, engine, chosen, progress).run()
    finally:
        engine.dispose()


class _Walk:
    """How far the replay of one log has come, and the right edge there."""

    def __init__(self, log: int) -> None:
        self.log = log
        self.size = 0
        self.leaf_hash = ZERO_HASH
        self.logged_us = 0
        self.frontier = Frontier()


class _State:
    """How far a replay has come: copied before the swap, which may have to be tried again."""

    def __init__(self) -> None:
        self.walks: dict[int, _Walk] = {}
        self.rows: Counter[str] = Counter()


class _Rebuild:
    def __init__(self, store: Store, engine: Engine, chosen: Collection[str], progress: Progress) -> None:
        newest = store.projections.newest().versions
        self._store = store
        self._engine = engine
        self._progress = progress
        self._head = HEAD in chosen
        self._live = store.projections.live({name: newest[name] for name in chosen if name != HEAD})
        self._kinds = frozenset().union(*[projector.kinds for projector in self._live.projectors])
        self._tables = {
            name: schema.metadata.tables[name] for projector in self._live.projectors for name in tables_of(projector)
        }
        self._shadows = self._tables
        self._gone = Gone()
        self._state = _State()

    def run(self) -> Rebuilt:
        with self._engine.begin() as connection:
            shadow.discard(connection)
            self._shadows = shadow.create(connection, self._tables.values())
        try:
            self._follow()
            with self._engine.begin() as connection:
                shadow.finish(connection, self._shadows.values())
            return self._swap_in()
        except BaseException:
            with self._engine.begin() as connection:
                shadow.discard(connection)
            raise

    def _follow(self) -> None:
        """Replays all logs, and what was appended meanwhile, until little is left."""
        for _ in range(PASSES):
            with self._store.reading() as connection:
                sizes = _sizes(connection)
            for log, size in sizes.items():
                walk = self._state.walks.setdefault(log, _Walk(log))
                while walk.size < size:
                    with self._store.reading() as connection:
                        rows, changes = self._read(connection, walk, size)
                    with self._engine.begin() as connection:
                        self._write(connection, log, rows, changes)
                    self._tell(sizes)
            if sum(sizes.values()) - self._done() < RANGE:
                with self._store.reading() as connection:
                    if sum(_sizes(connection).values()) - self._done() < RANGE:
                        return

    def _swap_in(self) -> Rebuilt:
        before = self._state
        for _ in range(ATTEMPTS):
            self._state = copy.deepcopy(before)
            try:
                with self._engine.connect() as connection:
                    return self._swap(connection)
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", None) != "55P03":
                    raise
                # Those that we held up go first; then we try again.
                time.sleep(LOCK_MS / 1000)
        raise Conflict(
            "the rebuilt tables could not take their place: someone has been reading without a pause",
            advice="Rebuild again when no verification or export runs; nothing was changed.",
        )

    def _swap(self, connection: Connection) -> Rebuilt:
        if is_sqlite(connection):
            # Sorting for an index may take more than memory should hold.
            Bulk(connection).run("PRAGMA temp_store = FILE", ())
        with connection.begin():
            if not is_sqlite(connection):
                connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_MS}")
            hold_all(connection)
            sizes = _sizes(connection)
            for log, size in sizes.items():
                walk = self._state.walks.setdefault(log, _Walk(log))
                while walk.size < size:
                    self._write(connection, log, *self._read(connection, walk, size))
            for name in self._shadows.keys() & set(SEARCHED):
                shadow.take_out(connection, self._shadows[name], self._shadows.get(DISPOSED, schema.disposed_entry))
            if is_sqlite(connection) and schema.record.name in self._shadows:
                _refuse_doubled(connection)
            before = read_versions(connection)
            for table in self._tables.values():
                shadow.take_over(connection, table)
            for name, version in self._live.versions.items():
                set_version(connection, name, version)
            corrected = tuple(self._correct_heads(connection)) if self._head else ()
        self._tell(sizes)
        return Rebuilt(
            entries=self._done(),
            projections=tuple(
                RebuiltProjection(
                    name=one.name,
                    version_before=before.get(one.name),
                    version=one.version,
                    rows={table: self._state.rows[table] for table in tables_of(one)},
                )
                for one in self._live.projectors
            ),
            heads_corrected=corrected,
        )

    def _read(self, connection: Connection, walk: _Walk, size: int) -> tuple[Rows, list[tuple[str, int, Valid]]]:
        """Checks and projects the next range of a log. Raises IntegrityError, naming the entry that does not hold."""
        rows: Rows = {}
        changes: list[tuple[str, int, Valid]] = []
        high = min(size, walk.size + RANGE)
        for pos, data, salt, body in LogReader(connection, walk.log).rows(walk.size, high):
            index = index_of(pos)
            try:
                hashed = check_entry(walk.size, walk.leaf_hash, data, salt, body)
                leaf = decode_leaf(data)
            except InvalidEntry as error:
                raise IntegrityError(f"log {walk.log}: entry {index} is damaged: {error}") from error
            if body is None and not self._gone.names(connection, pos, hashed):
                raise IntegrityError(f"log {walk.log}: the body of entry {index} is gone, and no entry disposed of it")
            walk.size, walk.leaf_hash, walk.logged_us = index + 1, hashed, parse_utc(leaf.logged_at)
            walk.frontier.append(hashed)
            if leaf.kind in self._kinds and body is not None:
                decoded = self._store.kinds[leaf.kind].decode(body)
                entry = Entry(log=walk.log, index=index, kind=leaf.kind, logged_us=walk.logged_us, body=decoded)
                self._live.project(entry, rows, changes)
        if walk.size < high:
            raise IntegrityError(f"log {walk.log}: entry {walk.size} is gone, later ones are there")
        return rows, changes

    def _write(self, connection: Connection, log: int, rows: Rows, changes: list[tuple[str, int, Valid]]) -> None:
        bulk = Bulk(connection)
        for table, values in rows.items():
            try:
                bulk.insert(self._shadows[table], values, len(values))
            except connection.dialect.loaded_dbapi.IntegrityError as error:
                size = self._state.walks[log].size
                what = (
                    f"entries up to {size - 1} give rows of table {table} that an earlier entry gave already: {error}"
                )
                raise _twice(log, what) from error
            self._state.rows[table] += len(values)
        write_changes(connection, log, changes, self._shadows)
        self._state.rows.update(table for table, _, change in changes if change.values is not None)

    def _correct_heads(self, connection: Connection) -> Iterator[HeadCorrected]:
        table = schema.head
        found = {row.log: row for row in connection.execute(select(table))}
        for log in sorted(self._state.walks.keys() | found.keys()):
            walk = self._state.walks.get(log, _Walk(log))
            right = {
                "size": walk.size,
                "leaf_hash": walk.leaf_hash,
                "logged_us": walk.logged_us,
                "frontier": b"".join(walk.frontier.hashes),
            }
            if log not in found:
                connection.execute(table.insert().values(log=log, **right))
                yield HeadCorrected(log=log, columns=tuple(right))
                continue
            wrong = tuple(name for name, value in right.items() if getattr(found[log], name) != value)
            if wrong:
                connection.execute(table.update().where(table.c.log == log).values(**right))
                yield HeadCorrected(log=log, columns=wrong)

    def _tell(self, sizes: dict[int, int]) -> None:
        self._progress(self._done(), sum(sizes.values()))

    def _done(self) -> int:
        return sum(walk.size for walk in self._state.walks.values())


def _refuse_doubled(connection: Connection) -> None:
    """SQLite: raises IntegrityError for a record that the log holds twice; PostgreSQL's table of keys takes none."""
    index = f"{key_index.INDEX}{shadow.NEXT}"
    with vocabulary(connection.connection.driver_connection, index, "row"):
        pair = key_index.doubled(connection, index)
    if pair is not None:
        first, second = pair
        raise _twice(log_of(second), f"entries {index_of(first)} and {index_of(second)} are the same record")


def _twice(log: int, what: str) -> IntegrityError:
    return IntegrityError(
        f"log {log}: {what}",
        advice="The log holds one record twice, as altered search tables would bring about: open an incident. "
        "The live tables are as they were.",
    )


def tables_of(projector: Projector) -> tuple[str, ...]:
    """The tables that a projector of either shape fills."""
    return projector.tables if isinstance(projector, FactsProjector) else (projector.table,)


def _sizes(connection: Connection) -> dict[int, int]:
    """How many entries each log has, by its leaves alone."""
    pos = schema.leaf.c.pos
    sizes = {}
    low = 0
    while (first := connection.scalar(select(func.min(pos)).where(pos >= low))) is not None:
        log = log_of(first)
        low = pos_of(log + 1, 0)
        sizes[log] = index_of(connection.scalar(select(func.max(pos)).where(pos < low)) or 0) + 1
    return sizes


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One rebuild at a time, whatever process it runs in; the lock goes with the process that held it."""
    if is_sqlite(engine):
        with Path(f"{engine.url.database}-rebuild").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _running() from None
            yield
        return
    with engine.connect() as connection:
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_ADVISORY_KEY})").scalar():
            raise _running()
        connection.commit()
        yield
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_KEY})")


def _running() -> Conflict:
    return Conflict("another rebuild of this ledger runs already", advice="Wait until it has ended, then try again.")
