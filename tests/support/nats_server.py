"""A NATS server with JetStream of the test's own, on loopback, and what its clients do there."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import nats
from nats.js.api import StreamConfig
from nats.js.client import JetStreamContext

from collectors.demo.process import ServerProcess, free_port, new_secret, write_private

T = TypeVar("T")
_SECONDS = 15.0
ACCOUNTS = ("collector", "publisher")


class NatsServer:
    """One server; its streams lie in `folder` and outlive `stop` and `start`, on the same port."""

    def __init__(self, folder: Path, settings: str = "", *, jetstream: bool = True) -> None:
        """`settings` are lines of its configuration."""
        program = shutil.which("nats-server") or "/usr/sbin/nats-server"
        assert Path(program).exists(), "these tests need Debian's package nats-server"
        self._folder = folder
        self.port = free_port()
        self.passwords = {name: new_secret() for name in ACCOUNTS}
        users = ", ".join(f'{{user: {name}, password: "{secret}"}}' for name, secret in self.passwords.items())
        self._configuration = folder / "nats.conf"
        text = f"listen: 127.0.0.1:{self.port}\nauthorization {{users: [{users}]}}\n"
        if jetstream:
            text += f'jetstream {{store_dir: "{folder}"}}\n'
        write_private(self._configuration, text + settings)
        self._command = [program, "-c", str(self._configuration)]
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Returns once it takes connections."""
        self._process = ServerProcess("NATS server", self._command, self._folder / "nats.log", {})
        self._process.wait_ready(self._answers, _SECONDS)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def kill(self) -> None:
        """Ends it as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process = None

    def make(self, config: StreamConfig) -> None:
        """Makes a stream."""
        self.act(lambda jetstream: jetstream.add_stream(config))

    def publish(self, messages: Sequence[tuple[str, bytes]], headers: dict[str, str] | None = None) -> list[int]:
        """The stream's numbers of the messages, once it has them."""

        async def work(jetstream: JetStreamContext) -> list[int]:
            return [(await jetstream.publish(subject, data, headers=headers)).seq for subject, data in messages]

        return self.act(work)

    def act(self, work: Callable[[JetStreamContext], Awaitable[T]]) -> T:
        """Does something as another client."""

        async def connected() -> T:
            client = await nats.connect(self.url, user="publisher", password=self.passwords["publisher"])
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False
