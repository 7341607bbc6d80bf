"""Listens for syslog messages and writes them to a spool; stops reading while the spool is full.

It runs in a thread of its own. TCP has no acknowledgement of what was read: a sender counts as delivered what reached
this machine. So everything that arrives is written to the spool at once, and at the end the connections are read empty
before they are closed.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from collectors.infra.spool import Spool
from collectors.infra.syslog_framing import Frame, Framer
from collectors.infra.syslog_identity import Identities
from collectors.infra.syslog_original import Sender, write_envelope
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, FatalSource, RetriableSource

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SYNC_SECONDS: Final = 0.5
_QUIET_SECONDS: Final = 0.1
_LAST_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.02
_HANDSHAKE_SECONDS: Final = 10.0
_UNREAD_BYTES: Final = 256 * 1024


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen: `transport` is tls, tcp or udp."""

    transport: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport}://{self.host}:{self.port}"


class Listening(msgspec.Struct, frozen=True, kw_only=True):
    """What a server listens for, and its bounds. `allow` empty: any address may send; `clients` empty: any certificate
    that the context accepts."""

    addresses: tuple[Address, ...]
    tls: ssl.SSLContext | None
    allow: tuple[Network, ...]
    clients: frozenset[str]
    max_message: int
    max_connections: int
    key: bytes


class SyslogServer:
    """Listens while entered. Raises RetriableSource and FatalSource when it can't."""

    def __init__(self, listening: Listening, spool: Spool, clock: WallClock) -> None:
        self.listening, self.spool, self._clock = listening, spool, clock
        self.connections: set[Connection] = set()
        self.last = 0.0
        self.trouble: CollectorError | None = None
        self._broken: list[tuple[str, str]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="syslog", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._datagrams: list[asyncio.DatagramTransport] = []
        self._tick: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._run(self._listen())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def quiet(self) -> None:
        """Accepts no more, reads what has arrived and closes; all of it is in the spool afterwards."""
        self._run(self._read_out())

    def drain_broken(self) -> list[tuple[str, str]]:
        """Senders whose connection ended within a message since the last call, and when."""
        found, self._broken = self._broken, []
        return found

    def take(self, sender: Sender, identities: Identities, frames: Sequence[Frame]) -> None:
        """Writes what one read brought to the spool."""
        received = utc_text(self._clock.now_us())
        self.last = monotonic()
        entries = [
            write_envelope(sender, received, identities.of(frame.data, received), frame.data, frame.problem)
            for frame in frames
        ]
        try:
            self.spool.append(entries)
        except OSError as error:
            self.trouble = RetriableSource(
                f"the spool cannot be written: {error.strerror}", advice="Make room on its disk; check its rights."
            )
            self.spool.arrived.set()
            self.pause()
            return
        if self.spool.full:
            self.pause()

    def cut(self, sender: Sender) -> None:
        """Notes that a connection ended within a message."""
        self._broken.append((sender.peer, utc_text(self._clock.now_us())))

    def allows(self, peer: str) -> bool:
        if not self.listening.allow:
            return True
        address = ipaddress.ip_address(peer)
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.listening.allow)

    def pause(self) -> None:
        for connection in self.connections:
            connection.pause()

    def go_on(self) -> None:
        """There may be room in the spool again."""
        self._loop.call_soon_threadsafe(self._resume)

    def identities_of(self, peer: str) -> Identities:
        return Identities(self.listening.key, peer)

    def _turn(self) -> None:
        """Regularly: what was written is made durable, and reading goes on once there is room again."""
        with contextlib.suppress(OSError):
            self.spool.sync()
        self._resume()
        self._tick = self._loop.call_later(_SYNC_SECONDS, self._turn)

    def _resume(self) -> None:
        if not self.spool.full and self.trouble is None:
            for connection in self.connections:
                connection.resume()

    async def _listen(self) -> None:
        for address in self.listening.addresses:
            try:
                await self._listen_at(address)
            except PermissionError:
                raise FatalSource(
                    f"{address}: this account may not listen there",
                    advice="Use a port from 1024 on, and let the firewall or the senders point to it.",
                ) from None
            except (OSError, ValueError, OverflowError) as error:
                raise RetriableSource(
                    f"{address}: cannot listen: {getattr(error, 'strerror', None) or error}",
                    advice="See what else listens there (ss -lntup), and whether this machine has that address.",
                ) from None
        self._turn()

    async def _listen_at(self, address: Address) -> None:
        if address.transport == "udp":
            transport, _ = await self._loop.create_datagram_endpoint(
                lambda: Datagrams(self), local_addr=(address.host, address.port)
            )
            self._datagrams.append(transport)
            return
        secure: dict[str, Any] = {}
        if address.transport == "tls":
            secure = {"ssl": self.listening.tls, "ssl_handshake_timeout": _HANDSHAKE_SECONDS}
        server = await self._loop.create_server(
            lambda: Connection(self, address.transport), address.host, address.port, backlog=128, **secure
        )
        for listener in server.sockets:
            # What a sender counts as delivered and nobody has read yet: not much of it.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UNREAD_BYTES)
        self._servers.append(server)

    async def _read_out(self) -> None:
        for server in self._servers:
            server.close()
        self.last = monotonic()
        for _ in range(int(_LAST_SECONDS / _LOOK_SECONDS)):
            await asyncio.sleep(_LOOK_SECONDS)
            if monotonic() - self.last >= _QUIET_SECONDS or self.spool.full:
                break
        await self._close()

    async def _close(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
        for server in self._servers:
            server.close()
        for transport in self._datagrams:
            transport.close()
        for connection in list(self.connections):
            connection.close()
        await asyncio.sleep(0)

    def _end(self) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Connection(asyncio.Protocol):
    """One TCP or TLS connection."""

    def __init__(self, server: SyslogServer, transport: str) -> None:
        self._server, self._kind = server, transport
        self._framer = Framer(server.listening.max_message)
        self._paused = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = str(transport.get_extra_info("peername")[0])
        certificate = transport.get_extra_info("peercert")
        names = certificate_names(certificate) if certificate else ()
        self._sender = Sender(peer=peer, transport=self._kind, certificate=names[0] if names else None)
        self._identities = self._server.identities_of(peer)
        listening = self._server.listening
        refused = not self._server.allows(peer) or len(self._server.connections) >= listening.max_connections
        if listening.clients and self._kind == "tls":
            refused = refused or listening.clients.isdisjoint(names)
        if refused:
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._server.connections.add(self)
        if self._server.spool.full:
            self.pause()

    def data_received(self, data: bytes) -> None:
        if self not in self._server.connections:
            return
        frames = list(self._framer.feed(data))
        if frames:
            self._server.take(self._sender, self._identities, frames)
        if self._framer.broken:
            self.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._server.connections:
            self._server.connections.discard(self)
            if self._framer.waiting and not self._framer.broken:
                self._server.cut(self._sender)

    def pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


class Datagrams(asyncio.DatagramProtocol):
    """One UDP port: each datagram is a message (RFC 5426 section 3.1). What can't be kept is lost, as UDP has it."""

    def __init__(self, server: SyslogServer) -> None:
        self._server = server
        self._senders: dict[str, tuple[Sender, Identities]] = {}

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        address = str(peer[0])
        if not data or self._server.spool.full or not self._server.allows(address):
            return
        if address not in self._senders:
            if len(self._senders) >= self._server.listening.max_connections:
                self._senders.clear()
            self._senders[address] = (
                Sender(peer=address, transport="udp"),
                self._server.identities_of(address),
            )
        limit = self._server.listening.max_message
        problem = f"the first {limit} bytes of a message of {len(data)}" if len(data) > limit else ""
        self._server.take(*self._senders[address], [Frame(data[:limit], problem)])


def certificate_names(certificate: Any) -> tuple[str, ...]:
    """The names of a certificate as `getpeercert` gives it: the subject's common names, then the alternative ones."""
    subject = [value for part in certificate.get("subject", ()) for name, value in part if name == "commonName"]
    others = [value for kind, value in certificate.get("subjectAltName", ()) if kind in {"DNS", "IP Address", "URI"}]
    return tuple(dict.fromkeys([*subject, *others]))
