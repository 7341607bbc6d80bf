"""The systems of the plant: every module here that has a `SYSTEM` is one."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Final

from tests.plant.systems.base import System

SYSTEMS: Final[tuple[System, ...]] = tuple(
    module.SYSTEM
    for name in sorted(info.name for info in iter_modules(__path__))
    if hasattr(module := import_module(f"{__name__}.{name}"), "SYSTEM")
)
"""All of them, by name."""
