"""The demo's S7 controller; an operator panel writes the names of recipe steps."""

from collections.abc import Sequence
from itertools import cycle

import pytest

from collectors.demo.s7 import DB, STEP_BYTES, STEP_NAMES, STEPS, S7Cpu
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.tested import Tested

LONGEST = STEP_BYTES - 2


class S7Target(Target):
    tried = (
        Tested(
            system=SystemClass.PLC,
            source="S7 controllers (polled)",
            type="s7",
            against="python-snap7 3.3, a server; status lists, diagnostic buffer and block checksums added after the "
            "protocol",
            holds="values with their interval, mode, protection, blocks with checksum and author, diagnostic buffer; "
            "not who",
        ),
    )
    credential = None
    no_credential = "a classic S7 connection knows no accounts"
    no_instant = "a controller does not say when a value was written"
    no_amending = "there is no trail in a controller that could be changed"
    at_once = STEPS
    hostile = (*(text for text in HOSTILE if len(text.encode()) <= LONGEST), "x" * LONGEST)

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._cpu = S7Cpu()
        self._steps = cycle(range(STEPS))
        self.secrets = {}
        self.through_cable(f"tcp://127.0.0.1:{self._cpu.tcp_port}")
        assert self.cable is not None
        self.place = f"127.0.0.1:{self.cable.port}"
        names = [f"Step{step} = DB{DB}:{STEP_NAMES + step * STEP_BYTES}:STRING[{LONGEST}]" for step in range(STEPS)]
        options = {
            "host": "127.0.0.1",
            "port": str(self.cable.port),
            "slot": "2",
            "points": "\n".join([*names, f"TIC101.SP = DB{DB}.DBD0:REAL [°C] @REACTOR-1"]),
            "encoding": "utf-8",
            "requests_per_second": "100",
        }
        self.config = SourceConfig(id="mixer", type="s7", title="Mixer", options=options, zone="UTC")

    def start(self) -> None:
        self._cpu.begin()

    def stop(self) -> None:
        self._cpu.stop()

    def work(self, texts: Sequence[str]) -> None:
        assert len(texts) <= STEPS, "each needs a place of its own until the next look"
        for text in texts:
            self._cpu.write_step_name(next(self._steps), text.encode())


def make(factory: pytest.TempPathFactory) -> Target:
    return S7Target(factory)
