"""chronyd follows a server; people name further ones, and their texts are the names."""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from unittest.mock import patch

import pytest

from ledger.core.source import SourceConfig
from ledger.core.system_class import SystemClass
from tests.conformance.targets import HOSTILE, Target
from tests.support.chrony import Chronyd
from tests.support.tested import Tested


class ChronyTarget(Target):
    tried = (
        Tested(
            system=SystemClass.TIME,
            source="chrony",
            type="chrony",
            against="chronyd 4.3, which follows a server of its own",
            holds="changes of reference, stratum, leap status; offset beyond a limit; sources named and removed",
        ),
    )
    credential = None
    no_credential = "what chronyc may read over the network, it reads without one"
    hostile = tuple(
        text for text in HOSTILE if text.isascii() and text.isprintable() and " " not in text and len(text) < 250
    )
    no_clock = "chronyc says how far the clock is from its reference, not what it shows"
    no_instant = "a look finds what changed in an interval"
    no_amending = "chronyd keeps no trail that somebody could change"

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        folder = factory.mktemp("chrony")
        self._wrapped = folder / "wrapped"
        self._wrapped.mkdir()
        self._program = shutil.which("chronyc")
        self._chronyd = Chronyd(folder)
        self.place = f"127.0.0.1:{self._chronyd.port}"
        self.secrets = {}
        options = {"port": str(self._chronyd.port)}
        self.config = SourceConfig(id="time", type="chrony", title="Time", options=options)

    def start(self) -> None:
        self._chronyd.start()

    def stop(self) -> None:
        self._chronyd.stop()

    def work(self, texts: Sequence[str]) -> None:
        self._chronyd.follow(*texts)

    @contextlib.contextmanager
    def slow(self) -> Iterator[None]:
        """chronyc takes its time."""
        with self._instead(f'sleep 0.5\nexec {self._program} "$@"'):
            yield

    @contextlib.contextmanager
    def torn(self, text: str, share: float) -> Iterator[None]:
        """What chronyc first prints ends after a share of it."""
        self.work([text])
        mark, out = self._wrapped / "was-torn", self._wrapped / "out"
        mark.unlink(missing_ok=True)
        cut = f'{self._program} "$@" > {out}; head -c $(($(wc -c < {out}) * {int(share * 100)} / 100)) {out}'
        with self._instead(f'[ -e {mark} ] && exec {self._program} "$@"\ntouch {mark}\n{cut}'):
            yield

    @contextlib.contextmanager
    def _instead(self, script: str) -> Iterator[None]:
        program = self._wrapped / "chronyc"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        with patch.dict(os.environ, {"PATH": f"{self._wrapped}:{os.environ['PATH']}"}):
            yield


def make(factory: pytest.TempPathFactory) -> Target:
    return ChronyTarget(factory)
