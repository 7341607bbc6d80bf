"""The demo's PLC: a real Modbus TCP server (pymodbus) with a recipe, a mode, and a counter of parameter writes.

`ModbusPlc` starts it as a process of its own; `python -m collectors.demo.modbus FOLDER PORT REVISION` is that process.
What clients wrote is kept over a restart, in a file of the folder, before the write is answered. What stands where:

| address | what |
| --- | --- |
| coil 0 | interlock bypass |
| holding 0 | mode: 0 manual, 1 automatic |
| holding 10 | TIC101.SP, float32, high word first |
| holding 12 | mixing time in s, uint32, low word first |
| holding 100 + 120 n | name of recipe step n (0 to 7), 240 bytes of UTF-8 |
| input 0 | how many parameters were written so far, uint32 |

Reads and writes with the usual function codes, any unit identifier, device identification of all three categories.
"""

import argparse
import asyncio
import json
import signal
import socket
import struct
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from pymodbus.client import ModbusTcpClient
from pymodbus.constants import ExcCodes
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from collectors.demo.process import ServerProcess, free_port
from ledger.core.errors import RetriableSource

LOG_FILE = "modbus.log"
VALUES_FILE = "modbus-values.json"
MODE, SET_POINT, MIXING_TIME, STEP_NAMES, STEPS, STEP_REGISTERS, BYPASS, WRITES = 0, 10, 12, 100, 8, 120, 0, 0
_HOLDING = STEP_NAMES + STEPS * STEP_REGISTERS
_COILS = 16
_READY_SECONDS = 30.0
_WRITE_COIL = frozenset({5, 15})
_IDENTITY = {
    "VendorName": "Trailseal demo plant",
    "ProductCode": "PLC-1",
    "MajorMinorRevision": "1.4.0",
    "ProductName": "Mixer controller",
    "ModelName": "M1",
    "UserApplicationName": "REACTOR-1 recipe control",
}


class ModbusPlc:
    """A running PLC on loopback, for as long as the context is entered; keeps its values in `folder`.

    The port is chosen once, so that a restart comes back under the same address. `revision` is that of its firmware
    from the next start on.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.revision = _IDENTITY["MajorMinorRevision"]
        self._process: ServerProcess | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Returns when the server accepts connections; raises RetriableSource when it does not come up."""
        process = ServerProcess(
            "Modbus PLC",
            [sys.executable, "-m", "collectors.demo.modbus", str(self._folder), str(self.port), self.revision],
            self._folder / LOG_FILE,
            {},
        )
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process

    def stop(self) -> None:
        """Ends the server; nothing happens when it does not run."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def write_registers(self, address: int, registers: list[int]) -> None:
        """What an operator panel does; raises RetriableSource when the PLC does not take it."""
        with ModbusTcpClient("127.0.0.1", port=self.port) as client:
            if client.write_registers(address, registers).isError():
                raise RetriableSource(f"the PLC does not take {len(registers)} registers at {address}")

    def write_coil(self, address: int, on: bool) -> None:
        with ModbusTcpClient("127.0.0.1", port=self.port) as client:
            if client.write_coil(address, on).isError():
                raise RetriableSource(f"the PLC does not take coil {address}")

    def write_mode(self, mode: int) -> None:
        self.write_registers(MODE, [mode])

    def write_set_point(self, value: float) -> None:
        self.write_registers(SET_POINT, list(struct.unpack(">2H", struct.pack(">f", value))))

    def write_step_name(self, step: int, name: str) -> None:
        data = name.encode().ljust(2 * STEP_REGISTERS, b"\x00")
        self.write_registers(
            STEP_NAMES + step * STEP_REGISTERS, list(struct.unpack(f">{STEP_REGISTERS}H", data[: 2 * STEP_REGISTERS]))
        )

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class _Values:
    """What clients wrote, kept in a file; and how often."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.coils: dict[str, int] = {}
        self.holding: dict[str, int] = {}
        self.writes = 0
        if file.exists():
            kept = json.loads(file.read_text(encoding="utf-8"))
            self.coils, self.holding, self.writes = kept["coils"], kept["holding"], kept["writes"]

    def save(self) -> None:
        part = self._file.with_suffix(".part")
        part.write_text(json.dumps({"coils": self.coils, "holding": self.holding, "writes": self.writes}))
        part.replace(self._file)

    async def act(
        self,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current_registers: list[int],
        set_values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Keeps what is written, and puts the counter where input registers are read."""
        if set_values is not None:
            kept = self.coils if function_code in _WRITE_COIL else self.holding
            kept.update({str(address + place): int(value) for place, value in enumerate(set_values)})
            self.writes += 1
            self.save()
        elif function_code == 4:
            current_registers[:2] = struct.unpack(">2H", struct.pack(">I", self.writes))
        return None


async def serve(folder: Path, port: int, revision: str) -> None:
    """Serves Modbus TCP on 127.0.0.1:`port` until SIGTERM or SIGINT."""
    values = _Values(folder / VALUES_FILE)
    holding = [0] * _HOLDING
    holding[SET_POINT : SET_POINT + 2] = struct.unpack(">2H", struct.pack(">f", 65.0))
    holding[MIXING_TIME] = 900
    for address, register in values.holding.items():
        holding[int(address)] = register
    coils = [bool(values.coils.get(str(number))) for number in range(_COILS)]
    device = SimDevice(
        id=0,
        simdata=(
            [SimData(0, values=coils, datatype=DataType.BITS)],
            [SimData(0, values=[False] * _COILS, datatype=DataType.BITS)],
            [SimData(0, values=holding, datatype=DataType.REGISTERS)],
            [SimData(0, values=[0, 0], datatype=DataType.REGISTERS)],
        ),
        action=values.act,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    told = _IDENTITY | {"MajorMinorRevision": revision}
    identity = ModbusDeviceIdentification(info_name=told)  # type: ignore[no-untyped-call]
    server = ModbusTcpServer(device, identity=identity, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    await stop.wait()
    await server.shutdown()  # type: ignore[no-untyped-call]


def main() -> None:
    """The server process: serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m collectors.demo.modbus", description=main.__doc__)
    parser.add_argument("folder", type=Path, help=f"holds {VALUES_FILE}")
    parser.add_argument("port", type=int, help="TCP port on 127.0.0.1")
    parser.add_argument("revision", help="of its firmware, as it tells it")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.folder, arguments.port, arguments.revision))


if __name__ == "__main__":
    main()
