"""An S7 session that can only read: no request of another function leaves it, and no peer can hold it up.

python-snap7's client does the protocol. What it asks of the CPU's mode is no S7 request at all (it always answers
"run"), so mode, protection and diagnostic buffer are read as system status lists (`s7_lists`), as engineering tools do.
"""

import logging
import struct
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import msgspec
from snap7.client import Client
from snap7.connection import ISOTCPConnection
from snap7.error import S7ConnectionError, S7Error, S7TimeoutError
from snap7.s7protocol import S7UserDataGroup, S7UserDataSubfunction
from snap7.type import Area, Block

from collectors.base import Stop
from collectors.ot.plc import Pace
from ledger.core.errors import FatalSource

logging.getLogger("snap7").addHandler(logging.NullHandler())  # it says at the terminal what is raised as well

T = TypeVar("T")
_JOB, _USERDATA = 0x01, 0x07
_READ, _SET_UP = 0x04, 0xF0
_READ_LENGTH = 24
"""A request that reads one item; the library has one of no item, which no CPU knows."""
_READ_SERVICES: Final = frozenset(
    {
        (S7UserDataGroup.BLOCK_INFO, S7UserDataSubfunction.LIST_ALL),
        (S7UserDataGroup.BLOCK_INFO, S7UserDataSubfunction.LIST_BLOCKS_OF_TYPE),
        (S7UserDataGroup.BLOCK_INFO, S7UserDataSubfunction.BLOCK_INFO),
        (S7UserDataGroup.SZL, S7UserDataSubfunction.READ_SZL),
        (S7UserDataGroup.TIME, S7UserDataSubfunction.GET_CLOCK),
    }
)
_REQUEST = 0x4
_OVERHEAD = 18
"""Bytes of a read answer that are no data."""
_MOST_BLOCKS = 65_536
BLOCK_CODES: Final = {
    "OB": (Block.OB, 0x38),
    "DB": (Block.DB, 0x41),
    "SDB": (Block.SDB, 0x42),
    "FC": (Block.FC, 0x43),
    "SFC": (Block.SFC, 0x44),
    "FB": (Block.FB, 0x45),
    "SFB": (Block.SFB, 0x46),
}
AREAS: Final = {"DB": Area.DB, "M": Area.MK, "I": Area.PE, "Q": Area.PA}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The CPU answered that it will not, and why."""

    words: str


def is_read(pdu: bytes) -> bool:
    """Whether an S7 request only reads."""
    if len(pdu) < 11 or pdu[0] != 0x32:
        return False
    if pdu[1] == _JOB:
        return pdu[10] == _SET_UP or (pdu[10] == _READ and len(pdu) >= _READ_LENGTH)
    if pdu[1] != _USERDATA or len(pdu) < 17:
        return False
    return pdu[15] >> 4 == _REQUEST and (pdu[15] & 0x0F, pdu[16]) in _READ_SERVICES


class _Connection(ISOTCPConnection):
    """Sends only reads, each in its time, and waits for an answer no longer than `patience` seconds in all."""

    def __init__(self, host: str, port: int, local: int, remote: int, patience: float, before: Callable[[], None]):
        super().__init__(host=host, port=port, local_tsap=local, remote_tsap=remote)
        self._patience = patience
        self._before = before
        self._until = monotonic() + patience

    def send_data(self, data: bytes) -> None:
        if not is_read(data):
            raise FatalSource(
                f"a request that is no read ({data[:17].hex()}) was about to be sent; nothing was sent",
                advice="This must not happen; report it with the version of this program and of python-snap7.",
            )
        self._before()
        self._until = monotonic() + self._patience
        super().send_data(data)

    def _recv_exact(self, size: int) -> bytes:
        """The library starts its time anew with each byte that comes."""
        data = bytearray()
        while len(data) < size:
            left = self._until - monotonic()
            if left <= 0 or self.socket is None:
                raise S7TimeoutError("it takes too long")
            self.socket.settimeout(left)
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise S7ConnectionError("the connection was closed")
            data += piece
        return bytes(data)


class _Client(Client):
    """A client over such a connection; opened once, and never by itself again."""

    def open(self, connection: _Connection, timeout: float) -> None:
        self.connection = connection
        connection.connect(timeout)
        self._setup_communication()
        self.connected = True

    def ask(self, request: bytes) -> dict[str, Any]:
        return self._send_receive(request)


class S7Session:
    """One connection. `away` makes the error that is raised when the CPU does not answer, or not in order."""

    def __init__(
        self,
        host: str,
        port: int,
        rack: int,
        slot: int,
        *,
        timeout: float,
        pace: Pace,
        stop: Stop,
        away: Callable[[object], Exception],
    ) -> None:
        self._address = (host, port, 0x0100 | rack << 5 | slot)
        self._timeout = timeout
        self._pace = pace
        self._stop = stop
        self._away = away
        self._client = _Client()

    def __enter__(self) -> Self:
        host, port, remote = self._address
        self._wait()
        connection = _Connection(host, port, self._client.local_tsap, remote, self._timeout, self._wait)
        try:
            self._client.open(connection, self._timeout)
        except (S7Error, OSError, ValueError, struct.error) as error:
            self._client.disconnect()
            raise self._away(error) from None
        except BaseException:
            self._client.disconnect()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()

    @property
    def largest(self) -> int:
        """Bytes that one answer holds."""
        return int(self._client.pdu_length) - _OVERHEAD

    def read(self, area: str, number: int, start: int, count: int) -> bytes | Refusal:
        """Bytes of a data area."""
        return self._ask(lambda: bytes(self._client.read_area(AREAS[area], number, start, count)))

    def status_list(self, identity: int, index: int = 0) -> bytes | Refusal:
        """A system status list as it came, behind its id and index: record length, number of records, records."""

        def read() -> bytes:
            found = self._client.read_szl(identity, index)
            return bytes(found.Data[: found.Header.LengthDR])

        return self._ask(read)

    def counts(self) -> dict[str, int] | Refusal:
        """How many blocks of each kind there are."""

        def read() -> dict[str, int]:
            found = self._client.list_blocks()
            return {kind: int(getattr(found, f"{kind}Count")) for kind in BLOCK_CODES}

        return self._ask(read)

    def blocks(self, kind: str) -> list[int] | Refusal:
        """The numbers of all blocks of a kind, of which there are some."""
        return self._ask(lambda: sorted(set(self._client.list_blocks_of_type(BLOCK_CODES[kind][0], _MOST_BLOCKS))))

    def block(self, kind: str, number: int) -> bytes | Refusal:
        """What the CPU says about a block: 78 bytes."""

        def read() -> bytes:
            protocol = self._client.protocol
            response = self._client.ask(protocol.build_get_block_info_request(BLOCK_CODES[kind][1], number))
            protocol.check_userdata_response(response, S7UserDataGroup.BLOCK_INFO, S7UserDataSubfunction.BLOCK_INFO)
            return bytes(response["data"]["data"])

        return self._ask(read)

    def clock(self) -> datetime | Refusal:
        """The CPU's clock, without a zone."""
        return self._ask(self._client.get_plc_datetime)

    def _wait(self) -> None:
        self._pace.wait(self._stop)

    def _ask(self, request: Callable[[], T]) -> T | Refusal:
        try:
            return request()
        except (S7ConnectionError, S7TimeoutError, OSError) as error:
            raise self._away(error) from None
        except (S7Error, RuntimeError) as error:
            return Refusal(words=str(error))
        except (ValueError, LookupError, TypeError, struct.error) as error:
            raise self._away(f"an answer that cannot be read: {error}") from None
