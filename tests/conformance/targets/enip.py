"""A simulated Logix controller; an operator panel writes the names of recipe steps."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.enip_simulator import STEPS, EnipSimulator
from tests.support.tested import Tested

LONGEST = 250


class EnipTarget(Target):
    tried = (
        Tested(
            system=SystemClass.PLC,
            source="EtherNet/IP controllers (polled)",
            type="enip",
            against="cpppo 5.2, a simulator of a Logix controller",
            holds="values with their interval, mode, identity, project name, edit state and audit value; not who",
        ),
    )
    credential = None
    no_credential = "EtherNet/IP knows no accounts"
    no_clock = "the simulator keeps no clock"
    no_amending = "there is no trail in a controller that could be changed"
    no_other_facts = ""
    at_once = STEPS
    hostile = (*(text for text in HOSTILE if len(text.encode()) <= LONGEST), "x" * LONGEST)

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._simulator = EnipSimulator(factory.mktemp("logix"))
        self._steps = cycle(range(STEPS))
        self.secrets = {}
        self.through_cable(f"tcp://127.0.0.1:{self._simulator.port}")
        assert self.cable is not None
        self.place = f"127.0.0.1:{self.cable.port}"
        options = {
            "host": "127.0.0.1",
            "port": str(self.cable.port),
            "points": "\n".join([*(f"Step{step}" for step in range(STEPS)), "TIC101_SP [°C] @REACTOR-1"]),
            "requests_per_second": "100",
        }
        self.config = SourceConfig(id="mixer", type="enip", title="Mixer", options=options)

    def start(self) -> None:
        self._simulator.start()

    def stop(self) -> None:
        self._simulator.stop()

    def work(self, texts: Sequence[str]) -> None:
        assert len(texts) <= STEPS, "each needs a place of its own until the next look"
        for text in texts:
            self._simulator.write_text(f"Step{next(self._steps)}", text.encode())

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        """Somebody turns the key switch, from REMOTE to RUN."""
        before = self._simulator.status
        for status in (0x1060, before):
            self._simulator.stop()
            self._simulator.status = status
            self._simulator.start()
            if status != before:
                yield "audit_trail"


def make(factory: pytest.TempPathFactory) -> Target:
    return EnipTarget(factory)
