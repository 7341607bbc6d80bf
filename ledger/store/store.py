"""The store of one ledger: its engines, its logs, and the one door `append`."""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL

from ledger.core.address import LogId
from ledger.core.clock import WallClock
from ledger.core.entry import Draft, draft
from ledger.core.kinds import KindRegistry
from ledger.core.projector import Projector
from ledger.core.tiles import Subtrees
from ledger.store.append import Appender, Batch, Placed, rehearsed
from ledger.store.copying import Copier
from ledger.store.engine import is_sqlite, raised, reader_engine, writer_engine
from ledger.store.key_filter import KeyFilter
from ledger.store.logs import LogCreated, begin, read_logs
from ledger.store.projections import Projections, hold_live
from ledger.store.reading import LogReader
from ledger.store.sequencer import Sequencer

T = TypeVar("T")
_MOST_SUBTREES = 1 << 16
"""Roots of subtrees of a log that are remembered for proofs, in about 15 MB."""


class Store:
    """What every domain reads from and appends to. Safe to use from any number of threads.

    Owns its engines and one sequencer a log; `close` gives them back.
    """

    def __init__(
        self,
        url: str | URL,
        kinds: KindRegistry,
        projectors: Iterable[Projector],
        clock: WallClock,
        readers: int = 8,
    ) -> None:
        self.kinds = kinds
        self.clock = clock
        self.projections = Projections(projectors)
        self.writer: Engine = writer_engine(url)
        self.readers: Engine = reader_engine(url, readers)
        self.guard: Callable[[], None] = lambda: None
        """Asked before each append; what it raises refuses it."""
        self._sequencers: dict[int, tuple[Sequencer, Appender, Connection]] = {}
        self._opening = threading.Lock()
        self._subtrees: dict[int, Subtrees] = {}
        # SQLite has one write lock: threads of one process take turns here instead of polling for it there.
        self._turn: AbstractContextManager[object] = (
            threading.Lock() if is_sqlite(self.writer) else contextlib.nullcontext()
        )
        self._copier = Copier(self.writer, self._turn) if is_sqlite(self.writer) else None

    def append(self, log: int, batch: Batch) -> list[Placed]:
        """Appends a batch to a log and returns, once it is durable, where its entries stand (see `Sequencer`)."""
        self.guard()
        placed = self._sequencer(log).append(batch)
        self._committed()
        return placed

    def append_one(self, log: int, entry: Draft) -> Placed:
        """Appends a single entry, durable once it returns."""
        return self.append(log, Batch([entry]))[0]

    def logs(self) -> list[LogId]:
        """All logs of the ledger, by number."""
        with self.reading() as connection:
            return read_logs(connection)

    def create_log(self, created: LogCreated) -> None:
        """Begins a log: its head, and entry 0."""
        with self.writing() as connection:
            begin(connection, created.number)
        self.append_one(created.number, draft(created))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot of the whole ledger, read-only."""
        with self.readers.connect() as connection, connection.begin():
            hold_live(connection)
            yield connection

    @contextmanager
    def reader(self, log: int) -> Iterator[LogReader]:
        """One snapshot of one log."""
        with self.reading() as connection:
            remembered = self._subtrees.setdefault(log, {})
            if len(remembered) > _MOST_SUBTREES:
                remembered.clear()
            yield LogReader(connection, log, remembered)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes outside the log: operational tables and checkpoints."""
        with self._turn, self.writer.connect() as connection, connection.begin():
            yield connection
        self._committed()

    def rehearse(self, log: int, drafts: Iterable[Draft], look: Callable[[Connection, int, int], T]) -> T:
        """What `look` finds as if these entries stood at the end of a log; nothing of them stays.

        It is given the log's sizes without them and with them. Nothing is appended to the log while it looks.
        """
        with self._turn, self.writer.connect() as connection:
            rehearsal = connection.begin()
            try:
                before, after = rehearsed(connection, log, self.projections, drafts)
                return look(connection, before, after)
            except connection.dialect.loaded_dbapi.Error as error:
                raise raised(connection, "rehearse", error) from error
            finally:
                rehearsal.rollback()

    def alone(self) -> AbstractContextManager[object]:
        """While it is held no other thread of this process writes to SQLite: they wait, and do not time out."""
        return self._turn

    def close(self) -> None:
        """Closes every connection. Nothing that was acknowledged depends on it."""
        if self._copier is not None:
            self._copier.close()
        for _, appender, connection in self._sequencers.values():
            appender.close()
            connection.close()
        self._sequencers.clear()
        self.writer.dispose()
        self.readers.dispose()

    def _committed(self) -> None:
        if self._copier is not None:
            self._copier.committed()

    def _sequencer(self, log: int) -> Sequencer:
        found = self._sequencers.get(log)
        if found is None:
            with self._opening:
                found = self._sequencers.get(log)
                if found is None:
                    connection = self.writer.connect()
                    key_filter = KeyFilter(self.readers, log) if is_sqlite(self.writer) else None
                    appender = Appender(connection, log, self.clock, self.projections, self._turn, key_filter)
                    found = self._sequencers[log] = (Sequencer(appender), appender, connection)
        return found[0]
