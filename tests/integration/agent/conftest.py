"""A ledger whose agents reach it over a broker between the zones; suites without one have a `plant` of their own."""

from collections.abc import Iterator

import pytest

from tests.support.edge import Plant
from tests.support.zone_broker import ZoneBroker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZoneBroker]:
    made = ZoneBroker(tmp_path_factory.mktemp("zone") / "broker")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, broker: ZoneBroker) -> Iterator[Plant]:
    plant = Plant(tmp_path_factory.mktemp("plant") / "plant", broker=broker.settings())
    broker.trust(plant)
    broker.start()
    with plant:
        yield plant
