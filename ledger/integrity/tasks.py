"""Spans of entries as pieces of work, done here or in processes of their own, with results in order."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL

from ledger.core.errors import ConfigError
from ledger.core.kinds import KindRegistry
from ledger.core.projector import Projector
from ledger.integrity.fault import Fault
from ledger.integrity.level1 import Span, verify_span
from ledger.integrity.replay import replay_span
from ledger.store.engine import is_sqlite, reader_engine
from ledger.store.projections import Projections, hold_live

ALIGNED: Final = 256
LARGEST: Final = 2**20
"""Entries of the largest span: how long one snapshot is held, and what is done again after an interruption."""
SMALLEST: Final = 2**13

Assembly = Callable[[str], tuple[KindRegistry, Sequence[Projector]]]
"""All kinds and projectors of the installation for a database dialect; a function of a module, so that another process
can import it."""

Reading = Callable[[], AbstractContextManager[Connection]]
"""Opens one snapshot."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Level 1 or 2 of the entries of a log from `low` to before `high`."""

    level: int
    log: int
    low: int
    high: int
    columns: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a task; `span` for level 1."""

    task: Task
    fault: Fault | None
    span: Span | None = None


def spans(level: int, log: int, low: int, high: int, columns: bool, workers: int) -> list[Task]:
    """Cuts a range into tasks: one for a single worker, else two a worker, none larger than LARGEST."""
    parts = 1 if workers == 1 else 2 * workers
    width = min(LARGEST, max(SMALLEST, -(-(high - low) // parts)))
    width = -(-width // ALIGNED) * ALIGNED
    tasks = []
    while low < high:
        until = min(high, (low + width) // ALIGNED * ALIGNED)
        tasks.append(Task(level=level, log=log, low=low, high=until, columns=columns))
        low = until
    return tasks


def perform(
    connection: Connection, task: Task, kinds: KindRegistry, projections: Projections, pulse: Callable[[int], None]
) -> Outcome:
    """Does one task over one snapshot."""
    live = projections.read_live(connection)
    if task.level == 1:
        span = verify_span(connection, task.log, task.low, task.high, kinds, live, task.columns, pulse)
        return Outcome(task=task, fault=span.fault, span=span)
    return Outcome(task=task, fault=replay_span(connection, task.log, task.low, task.high, kinds, live, pulse))


def verification_engine(url: str | URL, connections: int) -> Engine:
    """An engine that reads much and keeps little, however many entries: SQLite sorts in files, and keeps few pages.

    Every sorter of SQLite takes as much memory as the page cache may; and a mapped file would count as memory in use.
    """
    engine = reader_engine(url, connections)
    if is_sqlite(engine):
        event.listen(engine, "connect", _prepare)
    return engine


def _prepare(raw: Any, _record: Any) -> None:
    for pragma in ("temp_store = FILE", "cache_size = -4096"):
        raw.execute(f"PRAGMA {pragma}").close()


class Here:
    """Does tasks in this thread, one after the other."""

    workers = 1

    def __init__(self, reading: Reading, kinds: KindRegistry, projections: Projections) -> None:
        self._reading = reading
        self._kinds = kinds
        self._projections = projections

    def run(self, tasks: Sequence[Task], pulse: Callable[[int], None]) -> Iterator[Outcome]:
        """The outcomes, in order."""
        for task in tasks:
            with self._reading() as connection:
                yield perform(connection, task, self._kinds, self._projections, pulse)


class Processes:
    """Does tasks in processes of their own, kept from one run to the next; close it when done."""

    def __init__(self, url: str | URL, assembly: Assembly, workers: int) -> None:
        self.workers = workers
        self._context = multiprocessing.get_context("spawn")
        self._done = self._context.Value("Q", 0)
        self._stop = self._context.Value("b", 0)
        text = url if isinstance(url, str) else url.render_as_string(hide_password=False)
        self._pool = ProcessPoolExecutor(
            workers, self._context, initializer=_begin, initargs=(text, assembly, self._done, self._stop)
        )
        self._told = 0

    def run(self, tasks: Sequence[Task], pulse: Callable[[int], None]) -> Iterator[Outcome]:
        """The outcomes, in order; `pulse` hears of all processes' progress together."""
        self._stop.value = 0
        futures: list[Future[Outcome]] = []
        try:
            futures += [self._pool.submit(_work, task) for task in tasks]
            for future in futures:
                while not _waited(future):
                    self._require_alive()
                    self._tell(pulse)
                self._tell(pulse)
                yield future.result()
        except BrokenProcessPool:
            raise _ended() from None
        finally:
            self._stop.value = 1
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """Ends the processes."""
        self._stop.value = 1
        self._pool.shutdown(cancel_futures=True)

    def _require_alive(self) -> None:
        """Raises ConfigError where nobody hands tasks over any more: a pool whose own thread died waits for ever."""
        manager = getattr(self._pool, "_executor_manager_thread", None)
        if manager is not None and not manager.is_alive():
            # They too would wait for it, and this process for them.
            for process in (getattr(self._pool, "_processes", None) or {}).values():
                process.kill()
            raise _ended()

    def _tell(self, pulse: Callable[[int], None]) -> None:
        done = self._done.value
        more, self._told = done - self._told, done
        pulse(more)


def _ended() -> ConfigError:
    return ConfigError(
        "a process that verified was ended from outside, as the system does where memory is short: nothing was entered",
        advice="Give the machine more memory, or fewer --workers, and verify again.",
    )


def _waited(future: Future[Outcome]) -> bool:
    try:
        future.exception(timeout=0.2)
    except TimeoutError:
        return False
    return True


class _Stopped(Exception):
    """The run that this task belonged to is over."""


class _Process:
    """What a worker process keeps between tasks."""

    def __init__(self, url: str, assembly: Assembly, done: Any, stop: Any) -> None:
        self.engine = verification_engine(url, 1)
        self.kinds, projectors = assembly(self.engine.dialect.name)
        self.projections = Projections(projectors)
        self._done = done
        self._stop = stop

    def pulse(self, entries: int) -> None:
        with self._done.get_lock():
            self._done.value += entries
        if self._stop.value:
            raise _Stopped


_process: _Process


def _begin(url: str, assembly: Assembly, done: Any, stop: Any) -> None:
    global _process
    _process = _Process(url, assembly, done, stop)


def _work(task: Task) -> Outcome:
    with _process.engine.connect() as connection, connection.begin():
        hold_live(connection)
        return perform(connection, task, _process.kinds, _process.projections, _process.pulse)
