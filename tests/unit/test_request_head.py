"""What a port answers to heads of requests that are too long, or none: over real sockets."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
from litestar import Litestar, get
from litestar.params import FromQuery

from ledger.listener import Listener
from ledger.request_head import MAX_ADDRESS, MAX_HEAD


@get("/words", sync_to_thread=False)
def words(text: FromQuery[str]) -> int:
    return len(text)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    listener = Listener("heads", "127.0.0.1", 0, lambda: Litestar([words]))
    listener.start()
    yield int(listener.place.rpartition(":")[2])
    listener.stop()


def _ask(port: int, sent: bytes) -> tuple[int, Any]:
    """Status and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status, json.loads(answer.read())


def _get(address: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {address} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]).encode()


def test_an_address_is_taken_up_to_its_bound(port: int) -> None:
    room = MAX_ADDRESS - len("/words?text=")
    assert _ask(port, _get("/words?text=" + "a" * room)) == (200, room)
    status, told = _ask(port, _get("/words?text=" + "a" * (room + 1)))
    assert (status, told["code"]) == (414, "address_too_long")
    assert "65,535 bytes" in told["detail"]
    assert "fewer words" in told["advice"]


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"GET /words?text=" + b"a" * 10_000_000, 414, "address_too_long"),
        (_get("/words?text=a", "X: " + "a" * MAX_HEAD)[:-4], 431, "headers_too_large"),
        (_get("/words?text=a", *["X: a"] * (MAX_HEAD // 5))[:-4], 431, "headers_too_large"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad_request"),
    ],
    ids=["ten megabytes of words", "a header without end", "headers without end", "TLS where none is spoken"],
)
def test_what_is_no_head_or_never_ends_is_refused_by_name(port: int, sent: bytes, status: int, code: str) -> None:
    found, told = _ask(port, sent)
    assert (found, told["status"], told["code"]) == (status, status, code)
    assert told["detail"]
    assert told["advice"]


def test_a_connection_goes_on_after_a_head_within_bounds(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for _ in range(5):
            connection.sendall(f"GET /words?text={'a' * 60_000} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"60000"):
                answer += connection.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")
