"""A Modbus TCP session that can only read: no request with another function code leaves it."""

import struct
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

import msgspec
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.pdu.mei_message import ReadDeviceInformationResponse

from collectors.base import Stop
from collectors.ot.plc import Pace
from ledger.core.errors import FatalSource

_READS: Final = {"coil": 0x01, "discrete": 0x02, "holding": 0x03, "input": 0x04}
_IDENTIFY: Final = 0x2B
_READ_CODES: Final = frozenset({*_READS.values(), _IDENTIFY})
_FUNCTION = 7
"""Where the function code stands in a frame: after the MBAP header."""
_BASIC, _REGULAR, _EXTENDED = 0x01, 0x02, 0x03
_MOST_PARTS = 8
_NO_ROUTE: Final = frozenset({0x0A, 0x0B})
_NAMES: Final = {
    0x01: "illegal function",
    0x02: "illegal data address",
    0x03: "illegal data value",
    0x04: "device failure",
    0x05: "acknowledge: it takes longer",
    0x06: "device busy",
    0x08: "memory parity error",
}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The controller answered that it will not: its exception code, and what that means."""

    code: int

    @property
    def words(self) -> str:
        return f"{_NAMES.get(self.code, 'unknown exception')} (exception {self.code})"


class ModbusSession:
    """One connection. `away` makes the error that is raised when the controller does not answer, or not in order."""

    def __init__(
        self,
        host: str,
        port: int,
        unit: int,
        *,
        timeout: float,
        pace: Pace,
        stop: Stop,
        away: Callable[[object], Exception],
    ) -> None:
        self._unit = unit
        self._pace = pace
        self._stop = stop
        self._away = away
        self._client = ModbusTcpClient(host, port=port, timeout=timeout, retries=0, trace_packet=self._only_reads)

    def __enter__(self) -> Self:
        self._pace.wait(self._stop)
        if not self._client.connect():  # type: ignore[no-untyped-call]
            raise self._away("no connection")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def read(self, table: str, start: int, count: int) -> bytes | Refusal:
        """The data of a block: two bytes a register, one a bit."""
        read = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "holding": self._client.read_holding_registers,
            "input": self._client.read_input_registers,
        }[table]
        answer = self._ask(partial(read, start, count=count))
        if isinstance(answer, Refusal):
            return answer
        if table in ("holding", "input"):
            if len(answer.registers) != count:
                raise self._away(f"{len(answer.registers)} registers for {count}")
            return struct.pack(f">{count}H", *answer.registers)
        if len(answer.bits) < count:
            raise self._away(f"{len(answer.bits)} bits for {count}")
        return bytes(bool(bit) for bit in answer.bits[:count])

    def identity(self) -> dict[int, bytes] | Refusal:
        """Device identification (MEI 14): object number → value, as far as the controller has it."""
        found = self._identity(_REGULAR, 0x00)
        if isinstance(found, Refusal):
            return self._identity(_BASIC, 0x00)
        return found

    def _identity(self, code: int, first: int) -> dict[int, bytes] | Refusal:
        found: dict[int, bytes] = {}
        following, extended = first, False
        for _ in range(_MOST_PARTS):
            answer = self._ask(partial(self._client.read_device_information, read_code=code, object_id=following))
            if isinstance(answer, Refusal):
                return found or answer
            if not isinstance(answer, ReadDeviceInformationResponse):
                raise self._away("something else than its identification")
            for number, value in answer.information.items():
                found[number] = b"".join(value) if isinstance(value, list) else value
            extended = answer.conformity & _EXTENDED == _EXTENDED
            if not answer.more_follows or answer.next_object_id <= following:
                break
            following = answer.next_object_id
        if extended and code != _EXTENDED and isinstance(more := self._identity(_EXTENDED, 0x80), dict):
            found |= more
        return found

    def _ask(self, request: Callable[..., ModbusPDU]) -> ModbusPDU | Refusal:
        if not self._client.connected:
            raise self._away("the connection was lost")  # a call would open another one, past the pace
        self._pace.wait(self._stop)
        try:
            answer = request(device_id=self._unit)
        except (ModbusException, OSError, ValueError, LookupError, struct.error) as error:
            raise self._away(error) from None
        if not isinstance(answer, ExceptionResponse):
            return answer
        if answer.exception_code in _NO_ROUTE:
            raise self._away("the gateway does not reach it")
        return Refusal(code=answer.exception_code)

    @staticmethod
    def _only_reads(sending: bool, packet: bytes) -> bytes:
        """The last thing before the wire: a frame that is no read is never sent, whatever made it."""
        if sending and packet[_FUNCTION] not in _READ_CODES:
            raise FatalSource(
                f"a request with function code {packet[_FUNCTION]} was about to be sent; nothing was sent",
                advice="This must not happen; report it with the version of this program and of pymodbus.",
            )
        return packet
