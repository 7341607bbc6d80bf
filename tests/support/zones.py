"""Network zones: a namespace for the ledger and one for each zone, joined by cables of their own that can be cut."""

import itertools
import os
import subprocess
from types import TracebackType
from typing import Self

_numbers = itertools.count()


class Zones:
    """Needs root and iproute2. Nothing in a namespace is reached from outside of it but over its cable."""

    def __init__(self, count: int) -> None:
        self._tag = f"ts{os.getpid()}x{next(_numbers)}"
        self.ledger = f"{self._tag}l"
        self.zones = [f"{self._tag}z{at}" for at in range(count)]

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def address(self, zone: int) -> str:
        """Where the ledger is reached from a zone."""
        return f"10.77.{zone}.1"

    def cut(self, zone: int, *, at_ledger: bool = False) -> None:
        """Takes the cable of a zone out, at either end."""
        self._switch(zone, at_ledger, "down")

    def mend(self, zone: int, *, at_ledger: bool = False) -> None:
        """Puts it in again."""
        self._switch(zone, at_ledger, "up")

    def _switch(self, zone: int, at_ledger: bool, to: str) -> None:
        place, cable = (self.ledger, f"up{zone}") if at_ledger else (self.zones[zone], "down0")
        _ip("-n", place, "link", "set", cable, to)

    def _make(self) -> None:
        for name in (self.ledger, *self.zones):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        for at, zone in enumerate(self.zones):
            _ip("-n", self.ledger, "link", "add", f"up{at}", "type", "veth", "peer", "name", "down0", "netns", zone)
            _ip("-n", self.ledger, "address", "add", f"10.77.{at}.1/24", "dev", f"up{at}")
            _ip("-n", zone, "address", "add", f"10.77.{at}.2/24", "dev", "down0")
            self.mend(at)
            self.mend(at, at_ledger=True)

    def _remove(self) -> None:
        for name in (*self.zones, self.ledger):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"ip {' '.join(arguments)}: {done.stderr.strip()} (these tests need root and the package iproute2)"
        )
