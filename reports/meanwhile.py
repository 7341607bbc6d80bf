"""Reads the next while what was read is written: where a database answers, this process would else only wait for it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Final, TypeVar

_HEAD_START: Final = 0.01
"""Seconds that reading has this process to itself. Until the database is asked it needs the interpreter; writing, which
needs it all along, would keep it waiting at each step. Reading that takes longer loses nothing by it."""

Read = TypeVar("Read")
Written = TypeVar("Written")


def meanwhile(parts: Iterator[Read], write: Callable[[Read], Written]) -> Iterator[Written]:
    """What is written of each part, in order; the next part is read, on a thread of its own, while one is written.

    Between two of them nothing is read: what the caller takes its time over holds neither thread nor connection. What
    `parts` raises ends it, before what was written meanwhile is given.
    """
    part = next(parts, None)
    while part is not None:
        with ThreadPoolExecutor(1, "meanwhile") as reader:
            coming = reader.submit(next, parts, None)
            wait((coming,), _HEAD_START)
            written = write(part)
        part = coming.result()
        yield written
