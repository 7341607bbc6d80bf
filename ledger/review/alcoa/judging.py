"""Blocks judged one after the other: here, or ahead in processes of their own. The same blocks give the same cells."""

import multiprocessing
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import repeat
from typing import Final, Protocol

from sqlalchemy import Connection

from ledger.core.errors import ConfigError
from ledger.review.alcoa.assess import Assessor
from ledger.review.alcoa.blocks import Place, assess_block
from ledger.review.alcoa.cells import BlockCells, read, written

Opens = Callable[[Connection, int, int], Assessor]
"""Opens an assessor of a log as of a size."""
Reading = Callable[[], AbstractContextManager[Connection]]
"""Opens one snapshot."""

MOST_RECORDS: Final = 100_000
"""Records that are judged over one snapshot, about."""
_PART: Final = 8
"""Blocks in a row that a process is given at once: what lies around them is much the same."""


class Judging(Protocol):
    """Judges blocks of a log as of a size."""

    def blocks(self, log: int, size: int, places: Sequence[Place]) -> Generator[BlockCells, None, None]:
        """The cells of each block, in their order."""


class Here:
    """In this thread."""

    def __init__(self, reading: Reading, opens: Opens) -> None:
        self._reading = reading
        self._opens = opens

    def blocks(self, log: int, size: int, places: Sequence[Place]) -> Generator[BlockCells, None, None]:
        """The cells of each block, in their order."""
        done = 0
        while done < len(places):
            records = 0
            with self.assessing(log, size) as assessor:
                while done < len(places) and records < MOST_RECORDS:
                    cells = assess_block(assessor, places[done])
                    records, done = records + cells.records, done + 1
                    yield cells

    @contextmanager
    def assessing(self, log: int, size: int) -> Iterator[Assessor]:
        """An assessor over a snapshot of its own."""
        with self._reading() as connection:
            yield self._opens(connection, log, size)


class Processes:
    """In so many processes, each of which opens the ledger; they end with the last block."""

    def __init__(self, opens: Callable[[], Here], workers: int) -> None:
        """`opens` can be handed to another process."""
        self._opens = opens
        self._workers = workers

    def blocks(self, log: int, size: int, places: Sequence[Place]) -> Generator[BlockCells, None, None]:
        """The cells of each block, in their order; raises ConfigError where a process is ended from outside."""
        parts = [places[at : at + _PART] for at in range(0, len(places), _PART)]
        pool = ProcessPoolExecutor(self._workers, multiprocessing.get_context("spawn"), _begin, (self._opens,))
        try:
            for lines in pool.map(_work, repeat(log), repeat(size), parts):
                yield from read(lines)
        except BrokenProcessPool:
            raise ConfigError(
                "a process that assessed was ended from outside, as the system does where memory is short",
                advice="Give the machine more memory, or fewer --workers, and assess again: it goes on where it was.",
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


class _Process:
    """What a process keeps between parts: one assessor, over one snapshot."""

    def __init__(self, here: Here) -> None:
        self._here = here
        self._held = ExitStack()
        self._of: tuple[int, int, Assessor] | None = None

    def work(self, log: int, size: int, places: Sequence[Place]) -> bytes:
        if self._of is None or self._of[:2] != (log, size):
            self._held.close()
            self._of = log, size, self._held.enter_context(self._here.assessing(log, size))
        return written([assess_block(self._of[2], place) for place in places])


_process: _Process


def _begin(opens: Callable[[], Here]) -> None:
    global _process
    _process = _Process(opens())


def _work(log: int, size: int, places: Sequence[Place]) -> bytes:
    return _process.work(log, size, places)
