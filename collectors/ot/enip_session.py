"""An EtherNet/IP session that can only read: no other CIP service leaves it, and no peer can hold it up.

pycomm3's driver does encapsulation and messages. Its own reading of tags wants the controller's whole tag list first,
so tags are read by name (service Read Tag), several in one request. Nothing is opened that a controller has few of:
all messages are unconnected.
"""

import struct
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from pycomm3 import CIPDriver
from pycomm3.cip import PADDED_EPATH
from pycomm3.exceptions import PycommError
from pycomm3.packets.cip import GenericUnconnectedRequestPacket
from pycomm3.packets.ethernetip import SendRRDataRequestPacket
from pycomm3.packets.util import get_service_status, tag_request_path, wrap_unconnected_send
from pycomm3.socket_ import Socket

from collectors.base import Stop
from collectors.compare.collector import Stopped
from collectors.ot.plc import Pace
from ledger.core.errors import FatalSource

GET_ALL, GET_LIST, GET_ONE, READ_TAG = 0x01, 0x03, 0x0E, 0x4C
_READ_SERVICES: Final = frozenset({GET_ALL, GET_LIST, GET_ONE, READ_TAG})
_MULTIPLE, _UNCONNECTED_SEND = 0x0A, 0x52
_ROUTER, _CONNECTION_MANAGER = b"\x20\x02\x24\x01", b"\x20\x06\x24\x01"
_LIST_IDENTITY, _REGISTER, _UNREGISTER, _SEND_RR = 0x63, 0x65, 0x66, 0x6F
_NO_MESSAGE: Final = frozenset({_LIST_IDENTITY, _REGISTER, _UNREGISTER})
_HEADER, _MESSAGE = 24, 40
"""Where in a frame the encapsulated data begins, and in it the CIP message."""
_PARTIAL, _SOME_FAILED = 0x06, 0x1E


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The controller answered that it will not: the general status, and what that means."""

    status: int

    @property
    def words(self) -> str:
        if self.status == _PARTIAL:
            return "larger than one answer holds"
        return f"{get_service_status(self.status)} (status {self.status})"


def is_read(frame: bytes) -> bool:
    """Whether a frame only reads: its CIP service, and those that it carries inside."""
    if len(frame) < _HEADER:
        return False
    command = int.from_bytes(frame[:2], "little")
    return command in _NO_MESSAGE or (command == _SEND_RR and _reads(frame[_MESSAGE:]))


def _reads(message: bytes) -> bool:
    if len(message) < 2:
        return False
    service, path = message[0], message[2 : 2 + 2 * message[1]]
    data = message[2 + 2 * message[1] :]
    if service == _UNCONNECTED_SEND and path == _CONNECTION_MANAGER:
        return _reads(data[4 : 4 + int.from_bytes(data[2:4], "little")])
    if service == _MULTIPLE and path == _ROUTER:
        parts = _parts(data)
        return bool(parts) and all(_reads(part) for part in parts)
    return service in _READ_SERVICES


def _parts(data: bytes) -> list[bytes]:
    """The messages of a multiple service packet, or of its reply; raises struct.error."""
    (count,) = struct.unpack_from("<H", data)
    starts = [*struct.unpack_from(f"<{count}H", data, 2), len(data)]
    return [data[start:end] for start, end in pairwise(starts)]


class _Socket(Socket):
    """Waits for a frame no longer than its time in all, and ends where the connection ends (the library's goes on)."""

    def __init__(self, timeout: float) -> None:
        super().__init__(timeout)  # type: ignore[no-untyped-call]
        self._timeout = timeout

    def receive(self, timeout: float = 0) -> bytes:
        until = monotonic() + self._timeout
        data = self._exactly(_HEADER, until)
        return data + self._exactly(int.from_bytes(data[2:4], "little"), until)

    def _exactly(self, size: int, until: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            left = until - monotonic()
            if left <= 0:
                raise TimeoutError("it takes too long")
            self.sock.settimeout(left)
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise ConnectionError("the connection was closed")
            data += piece
        return bytes(data)


class _Driver(CIPDriver):
    """Sends only reads, each in its time."""

    def __init__(self, path: str, timeout: float, before: Callable[[], None]) -> None:
        super().__init__(path)
        self.socket_timeout = timeout
        self._before = before

    def open(self) -> bool:
        self._sock = _Socket(self.socket_timeout)
        return bool(super().open())  # type: ignore[no-untyped-call]

    def _send(self, message: bytes) -> None:
        if not is_read(message):
            raise FatalSource(
                f"a request that is no read ({message[_MESSAGE : _MESSAGE + 12].hex()}) was about to be sent; "
                "nothing was sent",
                advice="This must not happen; report it with the version of this program and of pycomm3.",
            )
        self._before()
        super()._send(message)  # type: ignore[no-untyped-call]

    @property
    def route(self) -> bytes:
        path: Any = self._cfg["cip_path"]
        return bytes(PADDED_EPATH.encode(path, length=True, pad_length=True)) if path else b""


class _Message(GenericUnconnectedRequestPacket):
    """A CIP message that is put together already."""

    def __init__(self, message: bytes, route: bytes) -> None:
        super().__init__(service=message[:1], class_code=0, instance=0)
        self._whole = wrap_unconnected_send(message, route) if route else message

    def _setup_message(self) -> None:
        SendRRDataRequestPacket._setup_message(self)  # type: ignore[no-untyped-call]
        self._msg.append(self._whole)


class EnipSession:
    """One session. `route` leads from the interface to the controller (`bp/0`: backplane, slot 0; empty: it is it).

    `away` makes the error that is raised when the controller does not answer, or not in order.
    """

    def __init__(
        self,
        host: str,
        port: int,
        route: str,
        *,
        timeout: float,
        pace: Pace,
        stop: Stop,
        away: Callable[[object], Exception],
    ) -> None:
        self._pace = pace
        self._stop = stop
        self._away = away
        path = f"{host}:{port}" + (f"/{route}" if route else "")
        self._driver = _Driver(path, timeout, self._wait)

    def __enter__(self) -> Self:
        self._wait()
        try:
            if not self._driver.open():
                raise self._away("no session")
        except PycommError as error:
            self._close()
            if isinstance(error.__cause__, FatalSource | Stopped):
                raise error.__cause__ from None
            raise self._away(_reason(error)) from None
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def get(self, service: int, class_code: int, data: bytes = b"", attribute: int | None = None) -> bytes | Refusal:
        """The answer of instance 1 of a class."""
        path = b"\x20" + bytes([class_code]) + b"\x24\x01"
        if attribute is not None:
            path += b"\x30" + bytes([attribute])
        return self._ask(bytes([service, len(path) // 2]) + path + data)

    def read_tags(self, tags: Sequence[tuple[str, int]]) -> list[bytes | Refusal] | Refusal:
        """The answer for each name and number of elements, in one request: type and value as the controller sends."""
        messages = [bytes([READ_TAG]) + tag_path(name) + struct.pack("<H", count) for name, count in tags]
        if len(messages) == 1:
            return [self._ask(messages[0])]
        place, starts = 2 + 2 * len(messages), []
        for message in messages:
            starts.append(place)
            place += len(message)
        head = struct.pack(f"<{1 + len(starts)}H", len(starts), *starts)
        answer = self._ask(bytes([_MULTIPLE, len(_ROUTER) // 2]) + _ROUTER + head + b"".join(messages))
        if isinstance(answer, Refusal):
            return answer
        try:
            found = [_value(part) for part in _parts(answer)]
        except (struct.error, IndexError):
            raise self._away("an answer that cannot be read") from None
        if len(found) != len(tags):
            raise self._away(f"{len(found)} answers for {len(tags)} tags")
        return found

    def _ask(self, message: bytes) -> bytes | Refusal:
        try:
            reply: Any = self._driver.send(_Message(message, self._driver.route))
        except PycommError as error:
            raise self._away(_reason(error)) from None
        raw: bytes = reply.raw or b""
        if len(raw) < _MESSAGE + 4 or raw[8:12] != bytes(4):
            raise self._away(reply.error or "an answer that cannot be read")
        if raw[_MESSAGE] not in (message[0] | 0x80, _UNCONNECTED_SEND | 0x80):
            raise self._away(f"an answer to another service ({raw[_MESSAGE]:#04x})")
        return _value(raw[_MESSAGE:], some_failed=_SOME_FAILED if message[0] == _MULTIPLE else 0)

    def _wait(self) -> None:
        self._pace.wait(self._stop)

    def _close(self) -> None:
        """Says goodbye where that is possible at once; a controller that is gone is left alone."""
        driver = self._driver
        if driver._sock is not None:
            driver._sock.close()  # type: ignore[no-untyped-call]
        driver._sock, driver._session, driver._connection_opened = None, 0, False


def tag_path(name: str) -> bytes:
    """The symbolic path of a tag; raises ValueError for a name that has none."""
    try:
        path = tag_request_path(name, {}, False)  # type: ignore[no-untyped-call]
    except (ValueError, PycommError, struct.error) as error:
        raise ValueError(f"{name!r} is no tag: {error}") from None
    if path is None:
        raise ValueError(f"{name!r} is no tag")
    return bytes(path)


def _value(message: bytes, some_failed: int = 0) -> bytes | Refusal:
    """What stands behind the status of a reply: service, reserved, status, number of further status words."""
    if message[2] not in (0, some_failed):
        return Refusal(status=message[2])
    return message[4 + 2 * message[3] :]


def _reason(error: BaseException) -> str:
    """The library wraps what happened once or twice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error) or error.__class__.__name__
