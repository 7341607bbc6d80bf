"""Stands between an OPC UA client and a server on an unencrypted session, and changes what the server says.

The server is a real one; what the client gets instead is what a broken or hostile one could send.
"""

import asyncio
import contextlib
import struct
import threading
from collections.abc import Callable
from typing import Self

_HEADER, _SECURE = 8, 24
"""Bytes of a chunk's header, and up to the body of an unencrypted message (Part 6, 7.1.2 and 6.7.2)."""
Change = Callable[[bytes], bytes]


class Relay:
    """Relays its own `port` to `target` while entered.

    `change_chunk` gets each chunk of the server with its header, `change_body` the body of each message that is one
    chunk: it begins with the node id of what it is (`kind_of`). What they return is sent instead.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay")
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.change_chunk: Change = _leave
        self.change_body: Change = _leave

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def honest(self) -> None:
        """From now on everything is passed on as it is."""
        self.change_chunk = self.change_body = _leave

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_copy(reader, far_writer))
                group.create_task(self._carry(far_reader, writer))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for end in (writer, far_writer):
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readexactly(_HEADER)
            chunk = head + await reader.readexactly(struct.unpack("<I", head[4:])[0] - _HEADER)
            if head[:4] == b"MSGF":
                body = self.change_body(chunk[_SECURE:])
                chunk = head[:4] + struct.pack("<I", _SECURE + len(body)) + chunk[_HEADER:_SECURE] + body
            writer.write(self.change_chunk(chunk))
            await writer.drain()


def kind_of(body: bytes) -> int:
    """The number of what a message is, as `asyncua.ua.object_ids.ObjectIds` knows it."""
    return int(struct.unpack("<H", body[2:4])[0]) if body[:2] == b"\x01\x00" else 0


def _leave(data: bytes) -> bytes:
    return data


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
    raise asyncio.IncompleteReadError(b"", None)
