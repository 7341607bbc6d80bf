"""The same application as a process of its own, over a real socket."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.core.clock import SystemClock
from ledger.people.access import Scope
from ledger.service import Service
from tests.api.world import SOURCE, World, run, submission

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def server(world: World) -> Iterator[str]:
    """A served ledger; ends by SIGTERM and has to end well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.serve", str(world.folder)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        # uvicorn ends by the very signal that stopped it, once everything is closed.
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_many_clients_at_once_get_each_record_appended_once(world: World, server: str) -> None:
    clients, each = 16, 5
    receipts: list[Any] = []

    def post(number: int) -> None:
        with httpx.Client(base_url=server, headers=world.headers(Scope.INGEST), timeout=30) as client:
            for at in range(each):
                body = json.dumps(run([submission(number * each + at)]))
                answer = client.post(
                    f"/api/v1/sources/{SOURCE}/runs", content=body, headers={"Idempotency-Key": f"{number}.{at}"}
                )
                assert answer.status_code == 201, answer.text
                receipts.append(answer.json())

    threads = [threading.Thread(target=post, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    indices = {receipt["outcomes"][0]["index"] for receipt in receipts}
    assert len(receipts) == len(indices) == clients * each
    with httpx.Client(base_url=server, headers=world.headers(Scope.READ)) as client:
        found = client.get("/api/v1/logs/records/search?text=setpoint&limit=500").json()
        assert {hit["index"] for hit in found["hits"]} == indices


def test_a_right_that_the_terminal_revokes_is_refused_by_the_running_service(world: World, server: str) -> None:
    token = world.tokens[Scope.READ]
    with httpx.Client(base_url=server, headers=world.headers(Scope.READ)) as client:
        assert client.get("/api/v1/logs").status_code == 200
        other = Service(world.folder, SystemClock())
        other.people.revoke(token.grant, "lost", other.people.local("root"))
        other.close()
        threading.Event().wait(0.3)
        assert client.get("/api/v1/logs").status_code == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /api/v1/logs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\r\n\r\n",
        b"GET /api/v1/logs/%ff%fe/entries/1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/logs/records/search?text=%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\xff\xff\xff\xff\xff",
        b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"DELETE /api/v1/session HTTP/1.1\r\nHost: x\r\nCookie: trailseal-session=\xff;;=;\r\n\r\n",
        b"GET /logs/records/tile/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_bytes_that_no_client_library_sends_are_answered_by_a_refusal(shared_server: str, raw: bytes) -> None:
    host, _, port = shared_server.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    status = int(answer.split(b" ", 2)[1]) if answer else 400
    assert 400 <= status < 500, answer[:300]
    assert b"Traceback" not in answer


@pytest.fixture(scope="module")
def shared_server(shared_world: World) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.serve", str(shared_world.folder)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
