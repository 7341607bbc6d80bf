"""A Logix controller: cpppo's simulator as a process of its own (it is GPL, and never imported), and a panel for it."""

import socket
import struct
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from pycomm3 import CIPDriver

from collectors.demo.process import ServerProcess, free_port
from collectors.ot.enip_session import _Message, tag_path

STEPS = 8
_TAGS = (
    "TIC101_SP=REAL",
    "Mode=DINT",
    "Bypass=BOOL",
    "Recipe=INT[10]",
    *(f"Step{step}=STRING" for step in range(STEPS)),
    "Project@0x64/1/1=STRING",
    "Audit@0x8E/1/27=ULINT",
    "WallClock@0x8B/1/6=ULINT",
)
_WRITE_TAG = 0x4D
_CODES = {"REAL": (0xCA, "<f"), "DINT": (0xC4, "<i"), "INT": (0xC3, "<h"), "UDINT": (0xC8, "<I"), "ULINT": (0xC9, "<Q")}
_BOOL, _STRING = 0xC1, 0xD0
_READY_SECONDS = 30.0


class EnipSimulator:
    """Runs on 127.0.0.1 while entered; the port is chosen once. What was written is written again after a restart,
    as a controller keeps its tags and the simulator does not. `status` is the word of its identity object, `edits`
    attribute 3 of class 0xAC: what they are at the next start.
    """

    def __init__(self, folder: Path, status: int = 0x3160) -> None:
        self._folder = folder
        self.port = free_port()
        self.status = status
        self.edits = 0x05
        self._kept: dict[str, bytes] = {}
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        settings = self._folder / "simulator.cfg"
        settings.write_text(
            f"[Identity]\nStatus Word = {self.status}\n[Logical_Segments]\nAttribute 3 = {self.edits}\n",
            encoding="utf-8",
        )
        address = f"127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "cpppo.server.enip", "-U", "-a", address, "-c", str(settings), *_TAGS]
        process = ServerProcess("Logix simulator", command, self._folder / "simulator.log", {"HOME": str(self._folder)})
        process.wait_ready(self._answers, _READY_SECONDS)
        self._process = process
        for tag, data in self._kept.items():
            self._write(tag, data)

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None

    def write(self, tag: str, kind: str, value: float) -> None:
        """What an operator panel does."""
        code, form = _CODES[kind]
        self._keep(tag, struct.pack("<HH", code, 1) + struct.pack(form, value))

    def write_bool(self, tag: str, on: bool) -> None:
        self._keep(tag, struct.pack("<HH?", _BOOL, 1, on))

    def write_text(self, tag: str, text: bytes) -> None:
        padding = b"\x00" * (len(text) % 2)
        self._keep(tag, struct.pack("<HHH", _STRING, 1, len(text)) + text + padding)

    def _keep(self, tag: str, data: bytes) -> None:
        self._write(tag, data)
        self._kept[tag] = data

    def _write(self, tag: str, data: bytes) -> None:
        driver = CIPDriver(f"127.0.0.1:{self.port}/bp/0")
        driver.open()  # type: ignore[no-untyped-call]
        try:
            reply = driver.send(_Message(bytes([_WRITE_TAG]) + tag_path(tag) + data, b""))
            assert reply, reply.error
        finally:
            driver.close()  # type: ignore[no-untyped-call]

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
