"""Systems that only the month of violations has, and of which classes all of them are."""

import random
from collections.abc import Iterator, Sequence
from typing import Final

from ledger.core.times import Precision
from tests.plant.model import Fact, Parameter
from tests.plant.systems import SYSTEMS
from tests.plant.systems.base import System
from tests.plant.texts import Style
from tests.plant.world import Site


def _nothing(site: Site, rng: random.Random, times: Sequence[int]) -> Iterator[Fact]:
    """It tells of nothing but of what is planted."""
    return iter(())


def _system(source: str, title: str, uncertainty: int, precision: Precision = Precision.SECOND) -> System:
    return System(
        source=source,
        title=title,
        share=0,
        background=_nothing,
        precision=precision,
        style=Style.UTC,
        clock=(0, uncertainty),
    )


FURTHER: Final = (
    _system("db", "Database of the laboratory", 1_000, Precision.MILLISECOND),
    _system("gateway", "Remote access", 100_000),
    _system("historian", "Values of the process", 1_000, Precision.MILLISECOND),
    _system("qms", "Changes, deviations and investigations", 100_000),
    _system("scada", "Supervisory control", 1_000, Precision.MILLISECOND),
)
ALL: Final = {system.source: system for system in (*SYSTEMS, *FURTHER)}
"""All systems by their sources."""

_CLASSES: Final = {
    "badges": "door-badges",
    "cds": "chromatography",
    "cmms": "maintenance",
    "db": "servers-and-network",
    "dcs": "dcs",
    "directory": "directory",
    "ems": "building-monitoring",
    "erp": "erp",
    "gateway": "remote-access",
    "historian": "historian",
    "lims": "lims",
    "mes": "mes",
    "plc": "plc",
    "qms": "quality-system",
    "scada": "scada",
    "training": "training",
}


def classes() -> Iterator[Parameter]:
    """Of which class each source is, by which rules know whom to ask."""
    for source, of in _CLASSES.items():
        yield Parameter("system", source, None, {"classes": [of]})
