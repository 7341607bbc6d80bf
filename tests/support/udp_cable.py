"""A network cable for datagrams: relays one UDP port of the loopback address; it can be pulled, slow, or lossy."""

import contextlib
import socket
import threading
from time import sleep
from types import TracebackType
from typing import Self

_LOOK_SECONDS = 0.05
_FRAME = 2048


class UdpCable:
    """Relays its own `port` to `target` while entered, for one asker at a time."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._near = self._bound(0)
        self.port: int = self._near.getsockname()[1]
        self._far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._asker: tuple[str, int] | None = None
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=work, name="cable") for work in (self._ask, self._answer)]
        self.delay = 0.0
        """Seconds by which each answer is late."""
        self.lost = 0
        """So many of the next answers do not arrive."""
        self.twice = False
        """Whether each answer comes twice, as networks may do."""
        self.share = 1.0
        """How much of the next answer arrives; the one after it is whole again."""
        self.carried: list[bytes] = []
        """The frames that were asked with."""

    def __enter__(self) -> Self:
        self._far.connect(("127.0.0.1", self._target))
        self._far.settimeout(_LOOK_SECONDS)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._near.close()
        self._far.close()

    def _bound(self, port: int) -> socket.socket:
        near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        near.bind(("127.0.0.1", port))
        near.settimeout(_LOOK_SECONDS)
        return near

    def _ask(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError, ConnectionError):
                data, self._asker = self._near.recvfrom(_FRAME)
                self.carried.append(data)
                self._far.send(data)

    def _answer(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError):
                try:
                    data = self._far.recv(_FRAME)
                except ConnectionError:
                    sleep(_LOOK_SECONDS)
                    continue
                self._hand_over(data)

    def _hand_over(self, data: bytes) -> None:
        if self.lost:
            self.lost -= 1
            return
        sleep(self.delay)
        part, self.share = data[: int(len(data) * self.share)], 1.0
        assert self._asker is not None
        for _ in range(2 if self.twice else 1):
            self._near.sendto(part, self._asker)
