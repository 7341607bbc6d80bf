"""Starts a server of the demo as a process of its own, and never leaves it behind."""

import contextlib
import os
import secrets
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from ledger.core.errors import RetriableSource

NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: to read the authorities of the system takes a twentieth of a second each time."""
_PORTS: Final = range(20_000, 32_000)
_TERM_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_TAIL_CHARACTERS = 2000


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on at this moment.

    It is none of those that outgoing connections are given (Linux: from 32,768 on), so that it is still free when its
    server comes to listen on it.
    """
    while True:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def new_secret() -> str:
    """A random password of 192 bits, in URL-safe characters."""
    return secrets.token_urlsafe(24)


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def spawn(
    command: Sequence[str], log: Path, environment: Mapping[str, str], *, own_session: bool
) -> "subprocess.Popen[bytes]":
    """Starts a child whose output goes to `log`; a Ctrl-C or SIGTERM that comes while it starts ends it first.

    Without that the signal's exception would be raised before anybody knows the child, which would go on for ever.
    """
    came: list[int] = []
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    held = {number: old for number, old in handlers.items() if callable(old)} if _in_main_thread() else {}
    for number in held:
        signal.signal(number, lambda number, _: came.append(number))
    try:
        with log.open("ab") as sink:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                env={**os.environ, **environment},
                start_new_session=own_session,
            )
    finally:
        for number, old in held.items():
            signal.signal(number, old)
    if came:
        child.kill()
        child.wait()
        signal.raise_signal(came[0])
    return child


def _in_main_thread() -> bool:
    """Whether handlers of signals may be set here (`signal.signal`)."""
    return threading.current_thread() is threading.main_thread()


class ServerProcess:
    """One child process; `stop` returns only when it is gone.

    The child has a session of its own, so that Ctrl-C at the terminal reaches the demo alone, which then stops its
    servers in order.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self._log = log
        self._child = spawn(command, log, environment, own_session=True)

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Returns once `ready` holds; raises RetriableSource when the process ends first, or when time is up.

        After raising, by a signal too, the process is stopped.
        """
        try:
            self._wait_ready(ready, seconds)
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        deadline = monotonic() + seconds
        while not ready():
            ended = self._child.poll() is not None
            if ended or monotonic() > deadline:
                why = "ended at once" if ended else f"did not answer within {seconds:.0f} s"
                raise RetriableSource(
                    f"the {self.name} of the demo {why}; its log ends: {self._tail()}",
                    advice=f"Read {self._log} and start the demo again.",
                )
            sleep(_LOOK_SECONDS)

    def kill(self) -> None:
        """Ends the process with no chance to say goodbye, as a power cut would."""
        self._child.kill()
        self._child.wait()

    def stop(self) -> None:
        """Asks the process to end, and ends it by force when it takes more than some seconds."""
        if self._child.poll() is None:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(_TERM_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def _tail(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-_TAIL_CHARACTERS:].strip()
