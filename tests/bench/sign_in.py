"""Search over HTTP while twenty people sign in over and over, against the same search while nobody does.

The server is a process of its own with the real cost of Argon2; the clients speak bare HTTP from this process. Both
share the machine's cores.
"""

import asyncio
import os
import statistics
import time
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

import msgspec

from ledger.api.lanes import argon_threads
from ledger.core.clock import SystemClock, utc_text
from ledger.core.run import RunBatch
from ledger.people.access import Scope
from ledger.service import Service
from tests.bench.corpus import START_US, submissions
from tests.bench.harness import AUTHORITY, Bench, Database
from tests.support.people import PASSWORD, person
from tests.support.serving import Serving, token

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

PEOPLE: Final = 20
RECORDS: Final = 2_000
SEARCHES: Final = 300
PAUSE_S: Final = 0.01


def measure(bench: Bench, database: Database) -> None:
    """Adds signin.search_p95_ratio.*: p95 of search under twenty concurrent sign-ins, to its quiet p95."""
    with database.ledger() as service:
        secret = token(service, "searcher", AUTHORITY)
        _fill(service)
        accounts = _people(service)
        folder = service.folder
    with Serving(folder) as serving:
        serving.start()
        quiet, busy, done, seconds = asyncio.run(_measure(serving.address, secret, accounts))
    bench.add(
        f"signin.search_p95_ratio.{database.name}",
        busy / quiet,
        "≤ 2",
        f"search p95 {busy * 1000:,.1f} ms while {PEOPLE} sign in at once ({done / seconds:,.1f} passwords/s on "
        f"{argon_threads()} of {os.cpu_count()} cores), {quiet * 1000:,.1f} ms while nobody does",
    )


def _fill(service: Service) -> None:
    at = utc_text(START_US)
    records = tuple(submissions(RECORDS, seed=11))
    for low in range(0, RECORDS, 1000):
        some, cursor = records[low : low + 1000], None if not low else str(low)
        run = RunBatch(
            source="bench",
            started_at=at,
            ended_at=at,
            cursor_from=cursor,
            cursor_to=str(low + 1000),
            submissions=some,
        )
        service.ingest.submit(run, AUTHORITY)


def _people(service: Service) -> list[str]:
    """Twenty people with real components, of the real cost."""
    service.people.create_account("administrator", "Administrator", "bench", AUTHORITY)
    granted = service.people.grant("administrator", [Scope.ADMIN], "bench", AUTHORITY)
    world = SimpleNamespace(service=service, clock=SystemClock(), tokens={Scope.ADMIN: granted})
    return [person(world, f"person{at}").account for at in range(PEOPLE)]


async def _measure(address: str, secret: str, accounts: list[str]) -> tuple[float, float, int, float]:
    """p95 of search, quiet and busy, in seconds; how many passwords were looked at meanwhile, in how many seconds."""
    host, port = str(urlsplit(address).hostname), int(urlsplit(address).port or 0)
    search = (
        f"GET /api/v1/logs/records/search?text=REACTOR-1&limit=20 HTTP/1.1\r\nHost: {host}:{port}\r\n"
        f"Authorization: Bearer {secret}\r\n\r\n"
    ).encode()
    ours = await asyncio.open_connection(host, port)
    await _search(ours, search, SEARCHES // 4)
    quiet = await _search(ours, search, SEARCHES)
    stop, warm, done = asyncio.Event(), asyncio.Event(), [0]
    signing = [asyncio.create_task(_sign_in(host, port, account, (stop, warm), done)) for account in accounts]
    await warm.wait()
    ours[1].close()
    ours = await asyncio.open_connection(host, port)
    before, started = done[0], time.perf_counter()
    busy = await _search(ours, search, SEARCHES)
    seconds = time.perf_counter() - started
    looked = done[0] - before
    stop.set()
    await asyncio.gather(*signing)
    ours[1].close()
    return _p95(quiet), _p95(busy), looked, seconds


async def _search(connection: Connection, request: bytes, count: int) -> list[float]:
    times = []
    for _ in range(count):
        started = time.perf_counter()
        await _ask(connection, request)
        times.append(time.perf_counter() - started)
        await asyncio.sleep(PAUSE_S)
    return times


async def _sign_in(
    host: str, port: int, account: str, events: tuple[asyncio.Event, asyncio.Event], done: list[int]
) -> None:
    """The step that looks at the password, again and again; tells when all are at it."""
    stop, warm = events
    body = msgspec.json.encode({"account": account, "password": PASSWORD})
    head = (
        f"POST /api/v1/sign-in HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    connection = await asyncio.open_connection(host, port)
    while not stop.is_set():
        await _ask(connection, head.encode() + body)
        done[0] += 1
        if done[0] >= PEOPLE // 2:
            warm.set()
    connection[1].close()


async def _ask(connection: Connection, request: bytes) -> None:
    reader, writer = connection
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    body = await reader.readexactly(length)
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"a request was refused: {head[:40]!r} {body[:400]!r}")


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]
