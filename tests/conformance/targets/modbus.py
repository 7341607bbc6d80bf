"""The demo's PLC; an operator panel writes the names of recipe steps."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest

from collectors.demo.modbus import STEP_NAMES, STEP_REGISTERS, STEPS, ModbusPlc
from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.tested import Tested

LONGEST = 2 * STEP_REGISTERS


class ModbusTarget(Target):
    tried = (
        Tested(
            system=SystemClass.PLC,
            source="Modbus TCP controllers (polled)",
            type="modbus",
            against="pymodbus 3.16, a real Modbus TCP server",
            holds="old and new value of each point with the interval between two looks, device identification; not who",
        ),
    )
    credential = None
    no_credential = "Modbus TCP knows no accounts"
    no_clock = "Modbus says no time"
    no_amending = "there is no trail in a controller that could be changed"
    no_other_facts = ""
    at_once = STEPS
    hostile = (*(text for text in HOSTILE if len(text.encode()) <= LONGEST), "x" * LONGEST)

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._plc = ModbusPlc(factory.mktemp("plc"))
        self._steps = cycle(range(STEPS))
        self.secrets = {}
        self.through_cable(f"tcp://127.0.0.1:{self._plc.port}")
        assert self.cable is not None
        self.place = f"127.0.0.1:{self.cable.port}"
        places = [
            f"Step{step} = holding:{STEP_NAMES + step * STEP_REGISTERS}:string[{LONGEST}]" for step in range(STEPS)
        ]
        options = {
            "host": "127.0.0.1",
            "port": str(self.cable.port),
            "points": "\n".join([*places, "TIC101.SP = holding:10:float32 [°C] @REACTOR-1", "Mode = holding:0"]),
            "requests_per_second": "100",
        }
        self.config = SourceConfig(id="mixer", type="modbus", title="Mixer", options=options)

    def start(self) -> None:
        self._plc.start()

    def stop(self) -> None:
        self._plc.stop()

    def work(self, texts: Sequence[str]) -> None:
        assert len(texts) <= STEPS, "each needs a place of its own until the next look"
        for text in texts:
            self._plc.write_step_name(next(self._steps), text)

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        """The controller gets another firmware."""
        before = self._plc.revision
        for revision in ("1.4.1", before):
            self._plc.stop()
            self._plc.revision = revision
            self._plc.start()
            if revision != before:
                yield "version"


def make(factory: pytest.TempPathFactory) -> Target:
    return ModbusTarget(factory)
