"""A BACnet/IP session that can only read: no other service leaves it, nothing is broadcast, no peer can hold it up.

Each request is repeated as often as the option says (UDP loses frames, and a read may be repeated); each frame that
goes out waits for its turn. What does not fit into one answer is asked for in smaller parts.
"""

import socket
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from collectors.base import Stop
from collectors.ot.bacnet_wire import ROUTER, Found, Reference, Refusal, Route, answer, frame, is_read, request, values
from collectors.ot.plc import Pace
from ledger.core.errors import FatalSource

T = TypeVar("T")

_FRAME = 2048
_INVOKE_IDS = 256


class BacnetSession:
    """One socket, connected to the device or to its router, so that nobody else's frames are heard.

    `away` makes the error that is raised when the device does not answer, or not in order.
    """

    def __init__(
        self,
        host: str,
        port: int,
        route: Route | None,
        *,
        local_port: int,
        timeout: float,
        repeats: int,
        pace: Pace,
        stop: Stop,
        away: Callable[[object], Exception],
    ) -> None:
        self._peer = (host, port)
        self._route = route
        self._local_port = local_port
        self._timeout = timeout
        self._repeats = repeats
        self._pace = pace
        self._stop = stop
        self._away = away
        self._invoke = 0
        self._multiple = True
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        try:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if self._local_port:
                self._socket.bind(("", self._local_port))
            self._socket.connect(self._peer)
        except OSError as error:
            self._close()
            raise self._away(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def read(self, name: str, prop: str, index: int | None = None) -> bytes | Refusal:
        """One property, or one element of it."""
        reference = Reference(object=name, property=prop, index=index)
        found = self._ask([reference])
        return found if isinstance(found, Refusal) else found[reference]

    def read_many(self, wanted: Sequence[Reference], together: int) -> Found:
        """All of these, at most so many in a request: values, or why not."""
        found: Found = {}
        waiting = [wanted[start : start + together] for start in range(0, len(wanted), together)][::-1]
        while waiting:
            part = waiting.pop()
            if len(part) > 1 and not self._multiple:
                waiting += [[one] for one in part[::-1]]
                continue
            said = self._ask(part)
            if not isinstance(said, Refusal):
                found |= said
            elif len(part) == 1:
                found[part[0]] = said
            else:
                self._multiple = self._multiple and not said.unknown_service
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        return found

    def _ask(self, wanted: Sequence[Reference]) -> Found | Refusal:
        return self.exchange(request(wanted), lambda found: values(wanted, found))

    def exchange(self, service: Any, read: Callable[[Any], T]) -> T | Refusal:
        """What a request that reads is answered with, as `read` takes it (it may raise ValueError)."""
        self._invoke = (self._invoke + 1) % _INVOKE_IDS
        asked = frame(service, self._invoke, self._route)
        if not is_read(asked):
            raise FatalSource(
                f"a request that is no read ({asked[:24].hex()}) was about to be sent; nothing was sent",
                advice="This must not happen; report it with the version of this program and of bacpypes3.",
            )
        assert self._socket is not None
        problem: object = "no answer in time"
        for _ in range(1 + self._repeats):
            self._pace.wait(self._stop)
            try:
                self._socket.send(asked)
                found = self._receive(self._socket, read)
            except ConnectionError as error:
                raise self._away(error) from None
            except ValueError as error:
                problem = error
            except OSError as error:
                raise self._away(error) from None
            else:
                if isinstance(found, Refusal) and found.sort == ROUTER:
                    problem = found.words
                elif found is not None:
                    return found
        raise self._away(problem)

    def _receive(self, listening: socket.socket, read: Callable[[Any], T]) -> T | Refusal | None:
        """The answer, or None where none came in time; what is an answer to something else is passed over."""
        until = monotonic() + self._timeout
        while (left := until - monotonic()) > 0:
            listening.settimeout(left)
            try:
                data = listening.recv(_FRAME)
            except TimeoutError:
                return None
            found = answer(data, self._invoke, read)
            if found is not None:
                return found
        return None

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
