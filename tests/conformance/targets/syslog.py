"""util-linux's logger sends messages over TCP, as soon as somebody listens."""

import contextlib
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from collectors.demo.process import free_port
from collectors.mapping.templates import template
from ledger.core.clock import SystemClock, utc_text
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.tested import Tested


class SyslogTarget(Target):
    tried = (
        Tested(
            system=SystemClass.SERVERS,
            source="any syslog sender",
            type="syslog",
            against="logger of util-linux 2.38 (TCP)",
            holds="what its messages say",
        ),
    )
    listen = 0.6
    credential = None
    no_credential = "a sender shows a certificate, if anything; tested apart"
    hostile = tuple(text for text in HOSTILE if "\x00" not in text)  # logger can't send U+0000
    no_clock = "a message says when it was made, not what time its sender has"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        assert shutil.which("logger"), "logger is not installed (Debian: apt-get install bsdutils)"
        self._port = free_port()
        self.place = f"127.0.0.1:{self._port}"
        options = {"listen": f"tcp://{self.place}", "spool": str(factory.mktemp("syslog") / "spool")}
        mapping = template("syslog-messages").text
        self.secrets = {}
        self.config = SourceConfig(id="logs", type="syslog", title="Logs", options=options, mapping=mapping)
        self._blocker: socket.socket | None = None
        self._jobs: queue.Queue[Callable[[], bool] | None] = queue.Queue()
        self._trickle, self._over = threading.Event(), threading.Event()
        self._sender = threading.Thread(target=self._work_off, name="sender")
        self._sender.start()

    def start(self) -> None:
        if self._blocker is not None:
            self._blocker.close()
            self._blocker = None

    def stop(self) -> None:
        """Another program has taken the port."""
        self._blocker = socket.socket()
        self._blocker.bind(("127.0.0.1", self._port))

    def close(self) -> None:
        self._over.set()
        self._jobs.put(None)
        self._sender.join()
        super().close()

    def work(self, texts: Sequence[str]) -> None:
        self._jobs.put(lambda: self._tell(texts))

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """A sender that takes its time over each byte."""
        self._trickle.set()
        try:
            yield
        finally:
            self._trickle.clear()

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """A connection ends within the message; then the sender sends it anew."""
        message = _frame(text)
        part = message[: max(1, int(len(message) * share))]
        self._jobs.put(lambda: self._send(part))
        yield
        self.work([text])

    def _work_off(self) -> None:
        while (job := self._jobs.get()) is not None:
            while not job() and not self._over.is_set():
                time.sleep(0.02)

    def _tell(self, texts: Sequence[str]) -> bool:
        """Whether somebody listened."""
        if self._trickle.is_set():
            return self._send(b"".join(_frame(text) for text in texts), pause=0.001)
        command = ("logger", "-n", "127.0.0.1", "-P", str(self._port), "--tcp", "--octet-count", "--rfc5424")
        lines = "".join(f"{text}\n" for text in texts).encode()
        ran = subprocess.run([*command, "-t", "operator"], input=lines, capture_output=True, check=False)
        return ran.returncode == 0

    def _send(self, data: bytes, pause: float = 0.0) -> bool:
        step = 1 if pause else len(data)
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as connection:
            for at in range(0, len(data), step):
                connection.sendall(data[at : at + step])
                time.sleep(pause)
            return True
        return False


def _frame(text: str) -> bytes:
    message = f"<13>1 {utc_text(SystemClock().now_us())} host operator - - - {text}".encode()
    return b"%d %s" % (len(message), message)


def make(factory: pytest.TempPathFactory) -> Target:
    return SyslogTarget(factory)
