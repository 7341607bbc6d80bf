"""How the door answers: tries are counted by where they come from, and no refusal comes sooner than another."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ledger.core.errors import NotAuthenticated, RateLimited
from ledger.people.security import Security

T = TypeVar("T")


async def paced(security: Security, peer: str, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """Does the work for a peer that is not known yet.

    A refusal (NotAuthenticated) is counted, and answered after so many seconds or later. Raises RateLimited, without
    the work, where too many came from that peer.
    """
    if security.blocked_us(peer):
        security.failed(peer)
        raise RateLimited("too many calls without a valid credential came from there")
    pause = asyncio.create_task(asyncio.sleep(seconds))
    try:
        return await work()
    except NotAuthenticated:
        security.failed(peer)
        await pause
        raise
    finally:
        pause.cancel()
