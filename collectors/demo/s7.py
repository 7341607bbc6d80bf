"""The demo's S7 controller: python-snap7's server on loopback, with what a CPU has and that server lacks.

That is: system status lists in their true form (identification, order code, protection with checksums, mode,
diagnostic buffer), answers in several telegrams where one does not hold them, blocks with checksum, times and author,
and a stop that stops. It runs in threads of this process, and keeps its memory while the object lives.

Data block DB10: 0 REAL set point, 4 INT recipe mode, 6.0 BOOL bypass, 8 + 256 n STRING[254] name of step n (0 to 7).
"""

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from snap7.client import Client
from snap7.server import Server
from snap7.type import SrvArea

from collectors.demo.process import free_port
from ledger.core.clock import SystemClock, WallClock

DB, STEPS, STEP_BYTES = 10, 8, 256
SET_POINT, STEP_NAMES = 0, 8
STOP, STARTUP, RUN = 4, 6, 8
_KINDS: Final = {"OB": 0x38, "FB": 0x45, "FC": 0x43, "DB": 0x41, "SDB": 0x42, "SFC": 0x44, "SFB": 0x46}
_TELEGRAM = 200
_BUFFER = 100
_EPOCH_1984 = datetime(1984, 1, 1, tzinfo=UTC)
_IDENTITY: Final = {
    1: "MIXER",
    2: "CPU 315-2 PN/DP",
    4: "Original Siemens Equipment",
    5: "S C-X4U421302009",
    7: "CPU 315-2 PN/DP",
}


class ProgramBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A block that is loaded: when it was compiled, by whom, and its checksum."""

    checksum: int
    compiled: datetime
    author: str = "PLANT"
    name: str = "MIXER"
    version: int = 0x10
    size: int = 120


class S7Cpu(Server):
    """A CPU that runs on loopback for as long as the context is entered; its port is chosen once."""

    def __init__(self, clock: WallClock | None = None) -> None:
        super().__init__(log=False)
        self._wall = clock or SystemClock()
        self.tcp_port = free_port()
        self.memory = bytearray(STEP_NAMES + STEPS * STEP_BYTES)
        struct.pack_into(">f", self.memory, SET_POINT, 65.0)
        for step in range(STEPS):
            self.memory[STEP_NAMES + step * STEP_BYTES] = STEP_BYTES - 2
        self.register_area(SrvArea.DB, DB, self.memory)
        self.register_area(SrvArea.MK, 0, bytearray(64))
        began = self._now() - timedelta(days=30)
        self.program: dict[tuple[str, int], ProgramBlock] = {
            ("OB", 1): ProgramBlock(checksum=0x1A2B, compiled=began),
            ("FC", 10): ProgramBlock(checksum=0x77C0, compiled=began, name="RECIPE"),
            ("DB", DB): ProgramBlock(checksum=0x0F0F, compiled=began, name="DATA"),
        }
        self.entries: list[bytes] = []
        self.mode, self.mode_before, self._mode_at = RUN, STARTUP, self._now()
        self._rest: dict[int, bytes] = {}
        self._unit = 0
        self.set_mode(RUN, 0x4302)

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def begin(self) -> None:
        """Listens on 127.0.0.1; the server by itself would listen everywhere."""
        self.start_to("127.0.0.1", self.tcp_port)

    def write(self, start: int, data: bytes) -> None:
        """What an operator panel does: writes to DB10 over the network."""
        client = Client()
        client.connect("127.0.0.1", 0, 2, self.tcp_port)
        try:
            client.db_write(DB, start, bytearray(data))
        finally:
            client.disconnect()

    def write_set_point(self, value: float) -> None:
        self.write(SET_POINT, struct.pack(">f", value))

    def write_step_name(self, step: int, name: bytes) -> None:
        self.write(STEP_NAMES + step * STEP_BYTES, bytes([STEP_BYTES - 2, len(name)]) + name)

    def load(self, kind: str, number: int, block: ProgramBlock) -> None:
        """What an engineering station does: a block is downloaded."""
        self.program[kind, number] = block

    def set_mode(self, mode: int, event: int) -> None:
        """The CPU changes its mode and enters the event into its diagnostic buffer."""
        self.mode_before, self.mode, self._mode_at = self.mode, mode, self._now()
        self._enter(event, 0, self._mode_at)

    def report(self, event: int, info: int = 0) -> None:
        self._enter(event, info, self._now())

    def _enter(self, event: int, info: int, at: datetime) -> None:
        entry = struct.pack(">HBBHHI", event, 0xFF, 0x68, 0x0000, 0x0000, info)
        self.entries = [entry + _bcd(at), *self.entries][:_BUFFER]

    def _now(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self._wall.now_us())

    def _get_szl_data(self, szl_id: int, szl_index: int) -> bytes | None:
        found: dict[int, Callable[[], list[bytes]]] = {
            0x001C: lambda: [
                struct.pack(">H", at) + text.encode().ljust(32, b"\x00") for at, text in _IDENTITY.items()
            ],
            0x0011: lambda: [_module(1, 0x00C0, 4), _module(6, 0x00C0, 4), _module(7, 0x56 << 8 | 3, 3 << 8)],
            0x0232: self._protection,
            0x0424: lambda: [self._mode_record()],
            0x00A0: lambda: self.entries,
            0x01A0: lambda: self.entries[:szl_index],
        }
        if szl_id not in found or (szl_id == 0x0232 and szl_index != 4):
            return None
        records = found[szl_id]()
        return struct.pack(">HH", len(records[0]) if records else 20, len(records)) + b"".join(records)

    def _protection(self) -> list[bytes]:
        program = 0
        for block in self.program.values():
            program ^= block.checksum << 16 | block.size
        switch = 1 if self.mode == RUN else 3
        words = struct.pack(">8H", 4, 1, 0, 1, switch, 2, 0, 1)
        return [(words + struct.pack(">II", 0x00110022, program)).ljust(40, b"\x00")]

    def _mode_record(self) -> bytes:
        head = struct.pack(">HBB", 0x4302 if self.mode == RUN else 0x4304, 0xFF, self.mode_before << 4 | self.mode)
        return head.ljust(12, b"\x00") + _bcd(self._mode_at)

    def _handle_szl(self, request: dict[str, Any], userdata_params: dict[str, Any], client_address: Any) -> bytes:
        """As the library, but in telegrams of a real CPU's size."""
        if userdata_params.get("method") == 0x12:
            unit = int(userdata_params["sequence"])
            return self._telegram(request, userdata_params, self._rest.pop(unit, b""), unit)
        whole = super()._handle_szl(request, userdata_params, client_address)
        data = whole[26:]
        if len(data) <= _TELEGRAM or whole[22] != 0xFF:
            return whole
        self._unit = self._unit % 255 + 1
        return self._telegram(request, userdata_params, data, self._unit)

    def _telegram(self, request: dict[str, Any], params: dict[str, Any], data: bytes, unit: int) -> bytes:
        part, rest = data[:_TELEGRAM], data[_TELEGRAM:]
        if rest:
            self._rest[unit] = rest
        answer = bytearray(self._build_userdata_success_response(request, {**params, "sequence": unit}, part))
        answer[19] = 0x01 if rest else 0x00  # whether this is the last data unit
        return bytes(answer)

    def _handle_list_all_blocks(self, request: dict[str, Any], userdata_params: dict[str, Any], _: Any) -> bytes:
        counted = b"".join(
            struct.pack(">BBH", 0x30, code, sum(kind == name for kind, _ in self.program))
            for name, code in _KINDS.items()
        )
        return self._build_userdata_success_response(request, userdata_params, counted)

    def _handle_list_blocks_of_type(self, request: dict[str, Any], userdata_params: dict[str, Any], _: Any) -> bytes:
        wanted = request["data"]["data"][1]
        numbers = sorted(number for kind, number in self.program if _KINDS[kind] == wanted)
        if not numbers:
            return self._refused(request, userdata_params, 0x0A)
        listed = b"".join(struct.pack(">HBB", number, 0x22, 0x01) for number in numbers)
        return self._build_userdata_success_response(request, userdata_params, listed)

    def _handle_get_block_info(self, request: dict[str, Any], userdata_params: dict[str, Any], _: Any) -> bytes:
        asked = request["data"]["data"]
        kind = next((name for name, code in _KINDS.items() if code == asked[1]), "")
        number = int(asked[2:7])
        block = self.program.get((kind, number))
        if block is None:
            return self._refused(request, userdata_params, 0x0A)
        age = block.compiled - _EPOCH_1984
        time = struct.pack(">IH", age.seconds * 1000 + age.microseconds // 1000, age.days)
        data = bytearray(78)
        data[0:2] = bytes([0x30, asked[1]])
        data[9:12] = bytes([0x01, 0x01, asked[1]])
        struct.pack_into(">HI", data, 12, number, block.size + 36)
        data[22:34] = time + time
        struct.pack_into(">H", data, 40, block.size)
        data[42:50] = block.author.encode().ljust(8, b"\x00")[:8]
        data[58:66] = block.name.encode().ljust(8, b"\x00")[:8]
        data[66] = block.version
        struct.pack_into(">H", data, 68, block.checksum)
        return self._build_userdata_success_response(request, userdata_params, bytes(data))

    def _refused(self, request: dict[str, Any], userdata_params: dict[str, Any], code: int) -> bytes:
        """An answer of the right group that gives nothing."""
        answer = bytearray(self._build_userdata_success_response(request, userdata_params, b""))
        answer[22:24] = bytes([code, 0x00])
        return bytes(answer)

    def _handle_get_clock(self, request: dict[str, Any], userdata_params: dict[str, Any], _: Any) -> bytes:
        return self._build_userdata_success_response(request, userdata_params, b"\x00\x20" + _bcd(self._now()))

    def _handle_plc_stop(self, request: dict[str, Any], client_address: Any) -> bytes:
        self.set_mode(STOP, 0x4304)
        return super()._handle_plc_stop(request, client_address)


def _module(index: int, first: int, second: int) -> bytes:
    return struct.pack(">H20sHHH", index, b"6ES7 315-2EH14-0AB0 ", 0x00C0, first, second)


def _bcd(moment: datetime) -> bytes:
    """DATE_AND_TIME, in UTC."""
    text = f"{moment:%y%m%d%H%M%S}{moment.microsecond // 1000:03d}{moment.isoweekday() % 7 + 1}"
    return bytes.fromhex(text)
