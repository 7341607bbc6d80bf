"""Records posted one by one over HTTP by 64 clients at once, against one raw commit a record.

The server is a process of its own; the clients speak bare HTTP over their sockets, so that what is measured is the
service and not a client library. Both share the machine's cores.
"""

import asyncio
import base64
import itertools
import time
from urllib.parse import urlsplit

import msgspec

from tests.bench.corpus import submissions
from tests.bench.harness import AUTHORITY, Bench, Database
from tests.support.serving import Serving, token

CLIENTS = 64
EACH = 60


def measure(bench: Bench, database: Database, single: float) -> None:
    """Adds http64.*: authenticated posts of one record to `trailseal serve`, each durable before it is answered."""
    with database.ledger() as service:
        secret = token(service, "bench", AUTHORITY, ["bench"])
        folder = service.folder
    with Serving(folder) as serving:
        serving.start()
        seconds = asyncio.run(_post(serving.address, secret))
    bench.add(
        f"http64.{database.name}",
        single / seconds,
        "reported",
        f"{1 / seconds:,.0f} posts/s from {CLIENTS} clients against {1 / single:,.0f} raw commits/s; "
        "each post is two entries, record and run",
    )


async def _post(address: str, secret: str) -> float:
    source = submissions(CLIENTS * EACH + CLIENTS, seed=9)
    host, port = urlsplit(address).hostname, urlsplit(address).port
    requests = [
        [_request(one, secret, f"{host}:{port}") for one in itertools.islice(source, EACH + 1)] for _ in range(CLIENTS)
    ]
    connections = [await asyncio.open_connection(host, port) for _ in range(CLIENTS)]
    pairs = list(zip(connections, requests, strict=True))
    await asyncio.gather(*(_send(*connection, mine[:1]) for connection, mine in pairs))
    started = time.perf_counter()
    await asyncio.gather(*(_send(*connection, mine[1:]) for connection, mine in pairs))
    seconds = time.perf_counter() - started
    for _, writer in connections:
        writer.close()
    return seconds / (CLIENTS * EACH)


async def _send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: list[bytes]) -> None:
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        body = await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 201"):
            raise RuntimeError(f"a post was refused: {head[:40]!r} {body[:400]!r}")


def _request(one: object, secret: str, host: str) -> bytes:
    submission = msgspec.to_builtins(one, builtin_types=(bytes,))
    original = submission["original"]
    original["data"] = base64.b64encode(original["data"]).decode()
    at = submission["received_at"]
    run = {
        "source": "bench",
        "started_at": at,
        "ended_at": at,
        "cursor_from": None,
        "cursor_to": None,
        "submissions": [submission],
    }
    body = msgspec.json.encode(run)
    head = (
        f"POST /api/v1/sources/bench/runs HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {secret}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
