"""Listens in between a client and a server on loopback: every request with the instant at which it passed.

It can break a connection after some requests, as a controller with few connections does.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import NamedTuple, Self

_FEW, _LATE = 10, 0.1
Split = Callable[[bytes], int | None]
"""The length of the first frame of what came so far, or None while it is not whole."""


class Request(NamedTuple):
    """What a client sent: when, on which connection, and the frame."""

    at: float
    connection: int
    frame: bytes


def modbus_frame(data: bytes) -> int | None:
    """MBAP: the length stands in bytes 4 and 5 and counts what follows it."""
    return _whole(data, 6, lambda: 6 + int.from_bytes(data[4:6], "big"))


def tpkt_frame(data: bytes) -> int | None:
    """TPKT (RFC 1006): the length stands in bytes 2 and 3 and counts all."""
    return _whole(data, 4, lambda: int.from_bytes(data[2:4], "big"))


def enip_frame(data: bytes) -> int | None:
    """EtherNet/IP encapsulation: the length stands in bytes 2 and 3, low byte first, and counts what follows 24."""
    return _whole(data, 24, lambda: 24 + int.from_bytes(data[2:4], "little"))


def _whole(data: bytes, header: int, length: Callable[[], int]) -> int | None:
    return length() if len(data) >= header and len(data) >= length() else None


class Wiretap:
    """Relays its own `port` to `target` while entered; `requests` are all that clients sent."""

    def __init__(self, target: int, split: Split) -> None:
        self._target = target
        self._split = split
        self._server = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._ends: list[socket.socket] = []
        self.port: int = self._server.getsockname()[1]
        self.requests: list[Request] = []
        self.connections: list[float] = []
        self.break_after: int | None = None
        """Each connection breaks when it has carried so many requests."""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for end in self._ends:
            _close(end)
        for thread in self._threads:
            thread.join(10)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:
                return
            self.connections.append(monotonic())
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            self._ends += [near, far]
            self._start(self._forth, near, far, len(self.connections))
            self._start(_back, far, near)

    def _forth(self, near: socket.socket, far: socket.socket, connection: int) -> None:
        waiting, carried = b"", 0
        with contextlib.suppress(OSError):
            while data := near.recv(65536):
                waiting += data
                while (length := self._split(waiting)) is not None:
                    self.requests.append(Request(monotonic(), connection, waiting[:length]))
                    waiting, carried = waiting[length:], carried + 1
                if self.break_after is not None and carried > self.break_after:
                    break
                far.sendall(data)
        _close(near)
        _close(far)


def _back(far: socket.socket, near: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := far.recv(65536):
            near.sendall(data)
    _close(near)


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def assert_paced(instants: list[float], per_second: float) -> None:
    """Never more than the rate allows, over all and in any ten that follow one another.

    What passes here may be seen late on a busy machine, by `_LATE` seconds.
    """
    assert len(instants) > 2 * _FEW
    ordered = sorted(instants)
    for many in (_FEW, len(ordered) - 1):
        for first, last in zip(ordered, ordered[many:], strict=False):
            assert last - first >= many / per_second - _LATE, f"{many} requests in {last - first:.3f} s"
