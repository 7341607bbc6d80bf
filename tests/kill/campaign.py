"""One ledger whose service is killed again and again under load, and inspected each time."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

import httpx
import msgspec
import psycopg
from sqlalchemy import make_url

from collectors.demo.process import NO_TLS
from ledger.core.authority import Authority
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.settings import Settings
from tests.kill.inspection import Inspection, Witness
from tests.kill.producer import Producer
from tests.support.postgres import PgDatabase, PostgresServer
from tests.support.serving import Serving, token

ORIGIN = "plant.example/killed"
AUTHORITY = Authority(actor="local:tester", authenticated=False)
SOURCES = {"keyed-0": True, "keyed-1": True, "bare-0": False, "bare-1": False}
EARLIEST, LATEST = 0.005, 0.4
"""Seconds of load before a kill."""
RECOVERY_SECONDS = 60.0
Act = Callable[[], object]
_LOOK = 0.02


class Kill(StrEnum):
    """What is killed, and when."""

    LOADED = "service under load"
    STARTING = "service while it starts"
    BACKEND = "one database backend"
    SERVER = "the whole database server"


class Tally(msgspec.Struct):
    """What a campaign did."""

    kills: Counter[Kill]
    entries: int = 0
    acknowledged: int = 0
    repeated: int = 0
    unanswered: int = 0
    checkpoints: int = 0
    start_seconds: float = 0.0

    def says(self) -> str:
        """One line for a report."""
        killed = ", ".join(f"{count} × {kill.value}" for kill, count in sorted(self.kills.items()))
        return (
            f"killed {killed}; {self.entries} entries, {self.acknowledged} records acknowledged, "
            f"{self.unanswered} runs committed without an answer, {self.repeated} runs sent twice, "
            f"{self.checkpoints} checkpoints seen; up again after {self.start_seconds:.2f} s in the mean"
        )


def plan(kills: int, seed: int, *, postgres: bool) -> list[Kill]:
    """`kills` of the service under load, and beside them in random order a few of each other sort."""
    others = [Kill.STARTING, *([Kill.BACKEND, Kill.SERVER] if postgres else [])]
    chosen = [Kill.LOADED] * kills + others * max(1, kills // 10)
    random.Random(seed).shuffle(chosen)
    return chosen


def run(kills: int, seed: int, server: PostgresServer | None = None) -> Tally:
    """A campaign on a fresh ledger: SQLite, or a database of the server's.

    Raises AssertionError, NotVerified or WrongReceipt, naming what was lost, doubled or changed.
    """
    with _folder() as folder, _database(server) as database:
        return Campaign(folder, seed, database, server).run(plan(kills, seed, postgres=server is not None))


class Campaign:
    """A ledger, its service, its producers, and what they all remember."""

    def __init__(self, folder: Path, seed: int, database: PgDatabase | None, server: PostgresServer | None) -> None:
        settings = Settings(origin=ORIGIN, publish_tiles=True, checkpoint_seconds=0.05)
        if database is not None:
            settings = msgspec.structs.replace(
                settings, database=database.runtime_url, owner_database=database.owner_url
            )
        self._folder = folder / "ledger"
        self._server = server
        self._database = database
        self._random = random.Random(seed)
        self._producers = [Producer(source, seed, keyed=keyed) for source, keyed in SOURCES.items()]
        service = create(self._folder, settings, AUTHORITY)
        try:
            for source in SOURCES:
                service.sources.register(SourceConfig(id=source, type="push", title=source), AUTHORITY)
            self._collector = token(service, "collector", AUTHORITY, list(SOURCES))
            self._reader = token(service, "reader", AUTHORITY)
            self._witness = Witness({name: service.vkey(log) for name, log in service.logs.items()})
        finally:
            service.close()
        self._inspection = Inspection(self._folder, self._producers)
        self._serving = Serving(self._folder)
        self._starts: list[float] = []
        self._failures: list[BaseException] = []

    def run(self, planned: list[Kill]) -> Tally:
        """Goes through the kills; each is inspected before load goes on, and once more at an orderly end."""
        tally = Tally(kills=Counter())
        with self._serving:
            self._serving.start(warm=False)
            for kill in planned:
                self._kill(kill)
                self._inspect()
                tally.kills[kill] += 1
            self._under_load(self._progresses)
            self._serving.stop()
            self._serving.start()
            self._inspect()
            self._serving.stop()
        self._check_log()
        tally.entries = self._inspection.entries
        tally.acknowledged = sum(len(producer.acknowledged) for producer in self._producers)
        tally.repeated = sum(producer.repeated for producer in self._producers)
        tally.unanswered = self._inspection.unanswered
        tally.checkpoints = self._witness.seen
        tally.start_seconds = sum(self._starts) / len(self._starts) if self._starts else 0.0
        return tally

    def _kill(self, kill: Kill) -> None:
        after = self._random.uniform(EARLIEST, LATEST)
        match kill:
            case Kill.LOADED:
                self._under_load(lambda: self._after(after, self._serving.kill))
                self._starts.append(self._serving.start())
            case Kill.STARTING:
                self._serving.kill()
                self._serving.begin()
                self._after(after, self._serving.kill)
                self._serving.start()
            case Kill.BACKEND:
                self._under_load(lambda: self._recovers(after, self._kill_backend))
            case Kill.SERVER:
                self._under_load(lambda: self._recovers(after, self._restart_server))

    def _after(self, seconds: float, act: Act) -> None:
        time.sleep(seconds)
        act()

    def _under_load(self, act: Act) -> None:
        """Lets every producer work until `act` has returned, while checkpoints are looked at."""
        stop = threading.Event()
        self._failures.clear()

        def guarded(work: Act) -> None:
            try:
                work()
            except BaseException as error:
                self._failures.append(error)

        address = self._serving.address
        works = [
            lambda producer=producer: producer.work(address, self._collector, stop) for producer in self._producers
        ]
        threads = [threading.Thread(target=guarded, args=(work,)) for work in (*works, lambda: self._look(stop))]
        for thread in threads:
            thread.start()
        try:
            act()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self._none_failed()

    def _none_failed(self) -> None:
        """Raises what ended a producer, or the look at checkpoints, before its time."""
        if self._failures:
            raise self._failures[0]

    def _look(self, stop: threading.Event) -> None:
        with self._client() as http:
            while not stop.wait(_LOOK):
                # What can't be asked now is asked at the inspection.
                with contextlib.suppress(httpx.HTTPError):
                    self._witness.look(http)

    def _recovers(self, seconds: float, act: Act) -> None:
        """The service is not restarted: it must append again once its database is back."""
        self._after(seconds, act)
        self._progresses()

    def _progresses(self) -> None:
        """Returns when every producer has got an answer; raises AssertionError if one does not."""
        before = {producer.source: len(producer.runs) for producer in self._producers}
        deadline = time.monotonic() + RECOVERY_SECONDS
        while any(len(producer.runs) == before[producer.source] for producer in self._producers):
            self._none_failed()
            code = self._serving.command.exit_code
            assert code is None, f"the service ended by itself with {code}:\n{self._serving.command.tail()}"
            assert time.monotonic() < deadline, (
                f"the service does not append within {RECOVERY_SECONDS} s:\n{self._serving.command.tail()}"
            )
            time.sleep(_LOOK)

    def _kill_backend(self) -> None:
        assert self._server is not None
        assert self._database is not None
        query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename = 'trailseal_runtime'"
        with psycopg.connect(self._server.admin_dsn()) as connection:
            pids = [pid for (pid,) in connection.execute(query, [self._database.name])]
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._random.choice(pids), signal.SIGKILL)

    def _restart_server(self) -> None:
        assert self._server is not None
        self._server.kill()
        self._server.start()

    def _inspect(self) -> None:
        self._inspection.check()
        with self._client() as http:
            self._witness.check(http)

    def _check_log(self) -> None:
        """Whatever went wrong in between, the service told of it without a secret."""
        printed = self._serving.command.printed().decode(errors="replace")
        secrets = [self._collector, self._reader]
        if self._database is not None:
            secrets.append(str(make_url(self._database.runtime_url).password))
        assert not any(secret in printed for secret in secrets), "the service printed a token or a password"

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self._reader}"}
        return httpx.Client(base_url=self._serving.address, headers=headers, timeout=30, trust_env=False, verify=NO_TLS)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trailseal-kill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _database(server: PostgresServer | None) -> Iterator[PgDatabase | None]:
    if server is None:
        yield None
        return
    database = server.create_database()
    try:
        yield database
    finally:
        server.drop_database(database)
