"""A network cable that can be pulled: relays one TCP port of the loopback address, cuts it, and plugs it in again.

It can also be a bad one: slow, or broken in the middle of what the far end sends.
"""

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self


class Cable:
    """Relays its own `port` to `target` while entered."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cable")
        self._open: set[asyncio.StreamWriter] = set()
        self._plugged = True
        self._server: asyncio.Server | None = None
        self._left: int | None = None
        self.port = 0
        self.delay = 0.0
        """Seconds by which each piece of what the far end sends is late; pieces are then of 1,400 bytes, as frames."""
        self.rewrite: tuple[bytes, bytes] | None = None
        """Bytes that the far end sends and others, as many, that arrive for them: an address that it tells."""

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pull()
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def pull(self) -> None:
        """Every connection breaks at once; a new one is refused until the cable is plugged in."""
        self._plugged = False
        self._run(self._cut())

    def plug(self) -> None:
        """Connections are relayed again."""
        self._plugged = True

    def cut_after(self, count: int) -> None:
        """Every connection breaks once the far end has sent that many bytes from now on, then holds again."""
        self._left = count

    @property
    def cut_is_due(self) -> bool:
        """Whether the bytes of `cut_after` have not been sent yet."""
        return self._left is not None

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)  # type: ignore[arg-type]

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0.05)

    async def _cut(self) -> None:
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._plugged:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        await asyncio.gather(_copy(reader, far_writer), self._carry(far_reader, writer))
        for end in ends:
            end.transport.abort()
        self._open -= ends

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What the far end sends, with the cable's faults."""
        with contextlib.suppress(OSError):
            while data := await reader.read(1400 if self.delay else 65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.rewrite is not None:
                    data = data.replace(*self.rewrite)
                if self._left is not None and len(data) >= self._left:
                    writer.write(data[: self._left])
                    await writer.drain()
                    self._left = None
                    await asyncio.sleep(0.02)  # what was sent before the break arrives
                    await self._cut()
                    return
                if self._left is not None:
                    self._left -= len(data)
                writer.write(data)
                await writer.drain()
        writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
