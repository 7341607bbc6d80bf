"""The faults of the month: every module here is one. Its first line says what goes wrong.

A module has `plant(draft, rng)`, which alters what is told and returns the facts that it altered, and `SHOWS`: which
checks of those facts then give which verdict (none, where no single fact shows it).
"""

import random
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Final, NamedTuple

from tests.plant.model import Fact
from tests.plant.telling import Draft


class Fault(NamedTuple):
    """A fault: its name, what plants it, and what it shows."""

    name: str
    plant: Callable[[Draft, random.Random], Iterable[Fact]]
    shows: Mapping[str, str]


def _fault(name: str) -> Fault:
    module = import_module(f"{__name__}.{name}")
    return Fault(name, module.plant, module.SHOWS)


FAULTS: Final = tuple(_fault(name) for name in sorted(info.name for info in iter_modules(__path__)))
"""All of them, by name."""
