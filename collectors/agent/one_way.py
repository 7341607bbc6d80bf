"""The agent where nothing comes back: batches and signs of life become files that something carries across a diode.

A file is whole or absent. Each batch is written several times; a sign of life with the last number is written even when
there is nothing else, so that the other side notices what it did not get. What was sent is held for some time, to be
written again when the other side asks for it by number.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from collectors.agent.config import OneWay
from collectors.agent.files import exclusive, write_whole
from collectors.agent.identity import Identity
from collectors.agent.spool import MIB, Spool
from collectors.base import Stop
from ledger.core.batch import Heartbeat, SignedBatch, sign_heartbeat
from ledger.core.clock import WallClock, utc_text
from ledger.core.enrolment import EpochStart
from ledger.core.errors import ConfigError, NotFound
from ledger.core.run import SourceState
from ledger.core.transfer import batch_name, heartbeat_name, is_transfer

_LOOK_SECONDS: Final = 0.2
_RETRY_SECONDS: Final = 5.0
_DAY_US: Final = 86_400_000_000


class Writer:
    """Use from one thread. `trouble` says what it waits for, empty while all is well."""

    def __init__(
        self, spool: Spool, identity: Identity, clock: WallClock, sources: Sequence[str], out: Path, config: OneWay
    ) -> None:
        self._spool = spool
        self._identity = identity
        self._clock = clock
        self._sources = tuple(sources)
        self._out = out
        self._config = config
        self._beat: float | None = None
        self.trouble = ""
        self.covered = 0

    def run(self, stop: Stop) -> None:
        """Writes what there is and what comes, until stopped; a folder that can't be written is tried again."""
        for source in self._sources:
            # Nobody can tell where the ledger has the source: it is read from its beginning.
            self._spool.begin(SourceState(source=source))
        while not stop.is_set():
            try:
                self.round(stop)
                self.trouble = ""
            except OSError as error:
                self.trouble = (
                    f"{self._out} cannot be written: {error.strerror}. Nothing is lost; check folder and disk."
                )
                stop.wait(_RETRY_SECONDS)
            while not (stop.is_set() or self._spool.arrived.wait(_LOOK_SECONDS) or self._due()):
                pass

    def round(self, stop: Stop) -> None:
        """Writes all that is there, a sign of life if it is due, and makes room."""
        self._out.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._spool.arrived.clear()
        while not stop.is_set() and (batch := self._spool.pending()) is not None:
            write(self._out, batch, self._config.copies)
            self._spool.written(batch.header)
        if self._due():
            self._write_heartbeat()
            self._make_room()
            self._beat = time.monotonic()

    def _due(self) -> bool:
        return self._beat is None or time.monotonic() - self._beat >= self._config.heartbeat_s

    def _write_heartbeat(self) -> None:
        beat = Heartbeat(
            agent=self._identity.name,
            key=self._identity.key,
            epoch=self._spool.place.epoch,
            last=self._spool.place.delivered,
            alive_at=utc_text(self._clock.now_us()),
        )
        signed = sign_heartbeat(beat, self._identity.origin, self._identity.seed)
        write_whole(self._out / heartbeat_name(beat), msgspec.json.encode(signed))

    def _make_room(self) -> None:
        """Old files are gone by age and size, as nobody here can know whether they were carried over."""
        keep_bytes, oldest_us = (
            self._config.keep_mib * MIB,
            self._clock.now_us() - int(self._config.keep_days * _DAY_US),
        )
        self._spool.let_go(oldest_us, keep_bytes)
        # What carries the files may take them away at any time.
        found = []
        for path in self._out.iterdir():
            if is_transfer(path.name):
                try:
                    known = path.stat()
                except FileNotFoundError:
                    continue
                found.append((known.st_mtime, known.st_size, path))
        found.sort(reverse=True)
        held = 0
        for changed, size, path in found:
            held += size
            if held > keep_bytes * 2 * self._config.copies or changed * 1e6 < oldest_us:
                path.unlink(missing_ok=True)


def write(out: Path, batch: SignedBatch, copies: int) -> None:
    """Writes a batch so many times."""
    data = msgspec.json.encode(batch)
    for copy in range(copies):
        write_whole(out / batch_name(batch.header, copy), data)


def write_again(spool: Spool, out: Path, numbers: Sequence[int], copies: int) -> None:
    """Writes batches again that the other side did not get; raises NotFound, naming one that is not held any more."""
    for number in numbers:
        batch = spool.batch(number)
        if batch is None:
            raise NotFound(
                f"the spool holds no batch {number} of epoch {spool.place.epoch} any more",
                advice="It was kept for as long as [one_way] in agent.toml says.",
            )
        write(out, batch, copies)


def begin_epoch(folder: Path, clock: WallClock, start: EpochStart) -> None:
    """Lets an agent that does not run begin the epoch that a person approved at the ledger.

    Raises ConfigError if it runs, and for a file that is another agent's, or is not of a later epoch.
    """
    identity = Identity(folder)
    with exclusive(folder):
        spool = Spool(identity, clock)
        try:
            if start.agent != identity.name or start.epoch <= spool.place.epoch:
                raise ConfigError(
                    f"this is for agent {start.agent!r} and epoch {start.epoch}, here is {identity.name!r} "
                    f"in epoch {spool.place.epoch}",
                    advice="Bring the file that `trailseal agent approve-epoch --file` wrote for this agent.",
                )
            spool.begin_epoch(start.epoch, start.sources, start.after)
        finally:
            spool.close()
