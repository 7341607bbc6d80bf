"""Records posted one by one over HTTP by 64 clients at once, against one raw commit a record."""

import asyncio
import base64
import itertools
import time

import httpx
import msgspec

from ledger.people.access import Scope
from ledger.server import Server
from tests.bench.corpus import submissions
from tests.bench.harness import AUTHORITY, Bench, Database

CLIENTS = 64
EACH = 30
WANTED = "reported"


def measure(bench: Bench, database: Database, single: float) -> None:
    """Adds http64.*: a real server, authenticated posts of one record, each durable before it is answered."""
    with database.ledger() as service:
        service.people.create_account("bench", "Bench", "benchmark", AUTHORITY)
        token = service.people.grant("bench", [Scope.INGEST], "benchmark", AUTHORITY, sources=["bench"]).token
        with Server(service, AUTHORITY, port=0) as server:
            seconds = asyncio.run(_post(server.address, token))
    bench.add(
        f"http64.{database.name}",
        single / seconds,
        WANTED,
        f"{1 / seconds:,.0f} posts/s from {CLIENTS} clients against {1 / single:,.0f} raw commits/s; "
        "each post is two entries, record and run; clients share the cores",
    )


async def _post(address: str, token: str) -> float:
    source = submissions(CLIENTS * EACH, seed=9)
    work = [[_body(one) for one in itertools.islice(source, EACH)] for _ in range(CLIENTS)]
    limits = httpx.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    async with httpx.AsyncClient(
        base_url=address, headers={"Authorization": f"Bearer {token}"}, limits=limits, timeout=60
    ) as client:

        async def run(mine: list[bytes]) -> None:
            for body in mine:
                answer = await client.post(
                    "/api/v1/sources/bench/runs", content=body, headers={"Content-Type": "application/json"}
                )
                answer.raise_for_status()

        started = time.perf_counter()
        await asyncio.gather(*(run(mine) for mine in work))
        return (time.perf_counter() - started) / (CLIENTS * EACH)


def _body(one: object) -> bytes:
    submission = msgspec.to_builtins(one, builtin_types=(bytes,))
    original = submission["original"]
    original["data"] = base64.b64encode(original["data"]).decode()
    at = submission["received_at"]
    return msgspec.json.encode(
        {
            "source": "bench",
            "started_at": at,
            "ended_at": at,
            "cursor_from": None,
            "cursor_to": None,
            "submissions": [submission],
        }
    )
