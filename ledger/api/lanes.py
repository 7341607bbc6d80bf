"""Threads for work that blocks, so that the event loop never does: a lane for reads, one for appends, one for Argon2.

The read lane has as many threads as the reader pool has connections: no read waits for a connection. Appending threads
mostly wait for the group commit that they are part of; there are more of them than callers are likely to be at once.
Argon2 keeps a core busy for a tenth of a second and more: it has few threads, which leave a core to all else and give
way to it, and a short queue; what comes beyond that is refused at once.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

from ledger.core.errors import Overloaded

APPENDING: Final = 64
ARGON_WAITING: Final = 32
"""Looks at passwords that may wait for their turn."""
ARGON_NICE: Final = 5
"""How far the threads of Argon2 stand back behind the others."""

P = ParamSpec("P")
T = TypeVar("T")


class Lanes:
    """The executors; `close` waits for what they still do."""

    def __init__(self, readers: int) -> None:
        self._reads = ThreadPoolExecutor(readers, "read")
        self._appends = ThreadPoolExecutor(APPENDING, "append")
        self._argon = ThreadPoolExecutor(argon_threads(), "argon", _stand_back)
        self._argon_waits = 0
        self.closed = False
        """Whether the threads were given back."""

    async def read(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work that reads; returns or raises what it does."""
        return await self._run(self._reads, work, *args, **kwargs)

    async def append(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work that appends; returns, or raises, once it is durable or refused."""
        return await self._run(self._appends, work, *args, **kwargs)

    async def argon(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs work that looks at a password; raises Overloaded where too much of it waits already."""
        if self._argon_waits >= ARGON_WAITING + argon_threads():
            raise Overloaded("too many are signing in at once")
        self._argon_waits += 1
        try:
            return await self._run(self._argon, work, *args, **kwargs)
        finally:
            self._argon_waits -= 1

    def close(self) -> None:
        """Lets what runs end, and gives the threads back."""
        self._argon.shutdown()
        self._appends.shutdown()
        self._reads.shutdown()
        self.closed = True

    async def _run(self, lane: ThreadPoolExecutor, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(lane, lambda: work(*args, **kwargs))


def argon_threads() -> int:
    """All cores that this process may use but one."""
    return max(1, len(os.sched_getaffinity(0)) - 1)


def _stand_back() -> None:
    # A thread of its own has a priority of its own in Linux.
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), ARGON_NICE)
