"""Threads for work that blocks, so that the event loop never does: one lane for reads, one for appends.

The read lane has as many threads as the reader pool has connections: no read waits for a connection. Appending threads
mostly wait for the group commit that they are part of; there are more of them than callers are likely to be at once.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

APPENDING: Final = 64

P = ParamSpec("P")
T = TypeVar("T")


class Lanes:
    """Two executors; `close` waits for what they still do."""

    def __init__(self, readers: int) -> None:
        self._reads = ThreadPoolExecutor(readers, "read")
        self._appends = ThreadPoolExecutor(APPENDING, "append")

    async def read(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work that reads; returns or raises what it does."""
        return await self._run(self._reads, work, *args, **kwargs)

    async def append(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs blocking work that appends; returns, or raises, once it is durable or refused."""
        return await self._run(self._appends, work, *args, **kwargs)

    def close(self) -> None:
        """Lets what runs end, and gives the threads back."""
        self._appends.shutdown()
        self._reads.shutdown()

    async def _run(self, lane: ThreadPoolExecutor, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(lane, lambda: work(*args, **kwargs))
