"""A BACnet/IP device of another make's stack; an operator's station writes the names of recipe steps."""

import contextlib
from collections.abc import Iterator, Sequence
from itertools import cycle

import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import Target
from tests.support.bacnet_device import DEVICE, STEPS, BacnetDevice
from tests.support.tested import Tested
from tests.support.udp_cable import UdpCable


class BacnetTarget(Target):
    tried = (
        Tested(
            system=SystemClass.BUILDING,
            source="BACnet/IP devices (polled)",
            type="bacnet",
            against="bacpypes3 0.0.110, a BACnet device and router; its trend log added after the standard",
            holds="values with their interval, flags, commands by priority, objects, firmware, trend logs; not who",
        ),
    )
    credential = None
    no_credential = "BACnet/IP knows no accounts"
    no_instant = "an object does not say when it was written"
    no_amending = "there is no trail in a device that could be changed"
    at_once = STEPS
    no_other_facts = ""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._device = BacnetDevice(factory.mktemp("bacnet"))
        self._steps = cycle(range(STEPS))
        self._cable = UdpCable(self._device.port)
        self._cable.__enter__()
        self.secrets = {}
        self.place = f"127.0.0.1:{self._cable.port}"
        options = {
            "host": "127.0.0.1",
            "port": str(self._cable.port),
            "device": str(DEVICE),
            "points": "\n".join(
                [
                    *(f"Step{step} = characterstring-value:{step}" for step in range(STEPS)),
                    "PIC201.SP = analog-value:1 [Pa] @AHU-1",
                ]
            ),
            "properties": "present-value, status-flags, priority-array",
            "requests_per_second": "100",
            "timeout_seconds": "0.3",
        }
        self.config = SourceConfig(id="ahu", type="bacnet", title="Air handling", options=options)

    def start(self) -> None:
        self._device.start()

    def stop(self) -> None:
        self._device.stop()

    def close(self) -> None:
        self._cable.__exit__(None, None, None)

    def work(self, texts: Sequence[str]) -> None:
        assert len(texts) <= STEPS, "each needs a place of its own until the next look"
        for text in texts:
            self._device.write_text(next(self._steps), text)

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        self._device.create("analog-value,91")
        yield "schema"
        self._device.delete("analog-value,91")

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        self._cable.delay = 0.05
        yield
        self._cable.delay = 0.0

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        self.work([text])
        self._cable.share = share
        yield


def make(factory: pytest.TempPathFactory) -> Target:
    return BacnetTarget(factory)
