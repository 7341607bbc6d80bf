"""Real servers, or peers of a real protocol, that the conformance suite holds collectors against.

One file a source type, named as the type is (`-` written `_`), with a function `make(factory)` that gives its `Target`.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from urllib.parse import urlsplit

import pytest

from collectors.registry import collector_type
from collectors.runner import Runner
from ledger.core.clock import SystemClock
from ledger.core.source import SourceConfig
from tests.support.cable import Cable
from tests.support.memory_sink import MemorySink
from tests.support.tested import Tested

HOSTILE = (
    "a\x00b",
    "'); DROP TABLE entry; --",
    "<script>alert(1)</script>",
    "\u202edesrever\u200b",
    "e\u0301 \u212b \U0001f9ea",
    '{"sealed":"AAAA"}',
    '\\ud800 \\u0000 "quoted"',
    "x" * 500,
)


class Target(ABC):
    """A source to collect from. It can make people do things there that carry given texts; each such text must come
    back as a new value of a record.

    What a kind of source cannot do is said by an attribute that holds the reason in words; the suite then leaves that
    test out and shows the reason.
    """

    config: SourceConfig
    secrets: dict[str, str]
    tried: tuple[Tested, ...]
    """What is run here, for the table of what was tested."""
    place: str
    """How a message names where the source is."""
    own_account: str | None = None
    """The collector's account, where its own sessions leave records in the source."""
    listen: float = 0.0
    """Seconds that a streaming source needs."""
    credential: str | None = "password"
    """The secret that can be wrong; None: `no_credential` says why there is none."""
    no_credential: str = ""
    hostile: Sequence[str] = HOSTILE
    """Texts that must come through; fewer only where the source or its protocol itself can't hold one."""
    no_clock: str = ""
    """Why the source's clock can't be measured."""
    no_instant: str = ""
    """Why its records name no instant."""
    no_amending: str = "nothing that was collected is read again"
    no_numbers: str = "the source numbers nothing without gaps"
    at_once: int | None = None
    """How many texts `work` has places for until the next look; None: as many as one likes."""
    no_other_facts: str = "nothing that it says of itself can be changed here while it runs"
    cable: Cable | None = None
    """The network between, for sources that are reached over TCP: `config` and `place` then name its port."""

    def through_cable(self, url: str) -> str:
        """The address of a server on this machine, by way of a cable that this target has from now on."""
        port = urlsplit(url).port
        assert port is not None
        self.cable = Cable(port)
        self.cable.__enter__()
        self.place = url.replace(f":{port}", f":{self.cable.port}", 1)
        return self.place

    def close(self) -> None:
        """Ends what `through_cable` began."""
        if self.cable is not None:
            self.cable.__exit__(None, None, None)

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def work(self, texts: Sequence[str]) -> None:
        """Somebody enters each text as the new value of something."""

    def amend(self, text: str, other: str) -> None:
        """Somebody changes, in the source's own trail, the record that says `text` so that it says `other`."""
        raise AssertionError(f"{type(self).__name__} says neither how nor why not")

    def lose(self, texts: Sequence[str]) -> None:
        """The same as `work`, but the records of all texts except the first and the last are lost in the source."""
        raise AssertionError(f"{type(self).__name__} says neither how nor why not")

    @contextlib.contextmanager
    def other_facts(self) -> Iterator[str]:
        """Meanwhile the source says something else of itself: gives the name of the fact that changed."""
        raise AssertionError(f"{type(self).__name__} says neither how nor why not")
        yield

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """Meanwhile the source is slow, but answers."""
        if self.cable is None:
            raise AssertionError(f"{type(self).__name__} has no cable and does not say how it is slow")
        self.cable.delay = 0.05
        try:
            yield
        finally:
            self.cable.delay = 0.0

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """Meanwhile the record of `text` can be read in part only: the first `share` of it; afterwards whole.

        Over a network: the next connection breaks after so many of the bytes that the source sends (`share` of 4,000).
        """
        if self.cable is None:
            raise AssertionError(f"{type(self).__name__} has no cable and does not say how a record is torn")
        self.work([text])
        self.cable.cut_after(int(4000 * share))
        yield


def listen_once(config: SourceConfig, secrets: Mapping[str, str]) -> None:
    """A first run, for sources that keep things only for those who were there before: as after the registration."""
    collector = collector_type(config.type)(config, secrets, SystemClock())
    Runner(collector, MemorySink(config.id), SystemClock()).pull()


def make(source_type: str, factory: pytest.TempPathFactory) -> Target:
    """The target of a source type, not started yet."""
    module = import_module(f"tests.conformance.targets.{source_type.replace('-', '_')}")
    target: Target = module.make(factory)
    return target
