"""The running agent: a thread for each source, which reads into the spool, and one that hands the spool over."""

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from collectors.agent.config import AgentConfig
from collectors.agent.files import LOCK_FILE, lock, write_whole
from collectors.agent.identity import Identity
from collectors.agent.link import open_link
from collectors.agent.one_way import Writer
from collectors.agent.push import Pusher
from collectors.agent.spool import Spool
from collectors.base import Collector, Stop
from collectors.followers import Followers, SourceStatus
from collectors.registry import open_collector
from collectors.runner import Patience
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError
from ledger.core.times import Clock

STATUS_FILE: Final = "status.json"
_STATUS_SECONDS: Final = 1.0


class AgentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How the agent fares: what was numbered, delivered and still waits; `clock` is the ledger's against ours."""

    agent: str
    at: str
    pid: int
    epoch: int
    number: int
    delivered: int
    waiting: int
    kept: int
    held_bytes: int
    checkpoint: int
    trouble: str
    halted: str
    certificate_until: str
    clock: Clock | None
    sources: tuple[SourceStatus, ...]


class Agent:
    """An enrolled agent with its configuration. One process at a time runs it."""

    def __init__(
        self, folder: Path, config: AgentConfig, clock: WallClock, stop: Stop, one_way: Path | None = None
    ) -> None:
        """`one_way`: the folder into which batches are written, where nothing comes back from the ledger.

        Raises ConfigError for no agent, a source that can't be, and a folder in which one runs already."""
        self._folder = folder
        self._config = config
        self._clock = clock
        self._stop = stop
        self._identity = Identity(folder)
        self._collectors = {one.id: open_collector(one.config(folder), clock) for one in config.source}
        self._lock = lock(folder)
        self._patience = Patience(attempts=None, first=0.5, longest=config.longest_wait_s)
        self._spool = Spool(self._identity, clock, config.limits)
        self._link = open_link(config, self._identity, clock)
        self._sender: Pusher | Writer
        if one_way is None:
            self._sender = Pusher(
                self._spool,
                self._link,
                self._identity,
                clock,
                list(self._collectors),
                heartbeat_seconds=config.heartbeat_s,
                patience=self._patience,
            )
        else:
            self._sender = Writer(self._spool, self._identity, clock, list(self._collectors), one_way, config.one_way)
        self._followers = Followers(self._spool, clock, self._patience)
        self._failure: BaseException | None = None

    def run(self, tell: Callable[[AgentStatus], None] = lambda _status: None) -> None:
        """Runs until stopped; `tell` is called with each new status. Raises what a defect in a thread raised."""
        sender = threading.Thread(target=self._send, daemon=True)
        sender.start()
        for one in self._config.source:
            self._followers.begin(one.id, partial(self._collector, one.id), one.every_s)
        while not self._stop.wait(_STATUS_SECONDS):
            self._show(tell)
            failure = self._failure or self._followers.failure
            if failure is not None:
                raise failure
        self._followers.end_all()
        sender.join()
        self._show(tell)
        self._link.close()
        self._spool.close()
        os.close(self._lock)

    def status(self) -> AgentStatus:
        """How it fares now."""
        place = self._spool.place
        return AgentStatus(
            agent=self._identity.name,
            at=utc_text(self._clock.now_us()),
            pid=os.getpid(),
            epoch=place.epoch,
            number=place.number,
            delivered=place.delivered,
            waiting=self._spool.waiting(),
            kept=self._spool.kept(),
            held_bytes=self._spool.held,
            checkpoint=self._sender.covered,
            trouble=self._sender.trouble,
            halted=place.halted,
            certificate_until=utc_text(int(self._identity.certificate().not_valid_after_utc.timestamp()) * 1_000_000),
            clock=self._link.offset,
            sources=self._followers.statuses,
        )

    def _collector(self, source: str) -> Collector:
        """Opened before anything runs, so that what can't be is told at once."""
        return self._collectors[source]

    def _send(self) -> None:
        """A defect here ends the whole agent, so that whatever watches over it starts it again."""
        try:
            self._sender.run(self._stop)
        except BaseException as error:
            self._failure = error

    def _show(self, tell: Callable[[AgentStatus], None]) -> None:
        status = self.status()
        write_whole(self._folder / STATUS_FILE, msgspec.json.encode(status), durable=False)
        tell(status)


def read_status(folder: Path) -> AgentStatus:
    """What the running agent, or the one that ran last, told of itself; raises ConfigError if none ever ran."""
    try:
        return msgspec.json.decode((folder / STATUS_FILE).read_bytes(), type=AgentStatus)
    except msgspec.DecodeError:
        raise ConfigError(
            f"{folder / STATUS_FILE} is damaged", advice="The agent writes it anew while it runs: start it."
        ) from None
    except FileNotFoundError:
        raise ConfigError(f"no agent has run in {folder} yet", advice="Start it: trailseal agent run DIR") from None


def running(folder: Path) -> bool:
    """Whether an agent runs in the folder now."""
    if not (folder / LOCK_FILE).exists():
        return False
    try:
        os.close(lock(folder))
    except ConfigError:
        return True
    return False
