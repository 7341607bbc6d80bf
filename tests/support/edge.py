"""A ledger that serves edge agents over TLS, agents as processes of their own, and growing files that they read.

Everything is real: `trailseal serve`, `trailseal agent enrol` and `run`, on loopback or in network namespaces.
"""

import json
import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from collectors.agent.identity import Identity
from collectors.agent.place import Place
from collectors.agent.run import STATUS_FILE, AgentStatus
from collectors.agent.spool import FILE_NAME
from collectors.demo.process import free_port
from ledger.api.agents import invite
from ledger.core.authority import Authority
from ledger.core.batch import fingerprint
from ledger.core.entry import decode_leaf
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.service import Service
from ledger.settings import AgentPorts, Settings
from tests.support.ledgers import put_schema
from tests.support.serving import Command, CommandFailed

INVITER = Authority(actor="local:first", authenticated=False)
CONFIRMER = Authority(actor="local:second", authenticated=False)
START_SECONDS = 60.0
MAPPING = """
name = "numbered-lines"
version = 1
title = "Numbered lines of JSON"
drivers = ["tail"]
[record]
id = { join = ["file.number", "file.offset"], by = "@" }
action = { text = "update" }
occurred_at = "entry.time"
object = { type = { text = "line" }, id = "entry.id" }
actor.account = "entry.who"
[[record.changes]]
attribute = { text = "number" }
new = "entry.number"
"""


class LineFile:
    """A file that grows by numbered lines while a thread of this process writes them."""

    def __init__(self, path: Path, seed: int, pause: float = 0.004) -> None:
        self.path = path
        self.written = 0
        self._random = random.Random(seed)
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._grow, daemon=True)
        path.touch()

    def add(self, count: int) -> None:
        """Appends so many lines at once."""
        lines = []
        for _ in range(count):
            line = {"time": "2026-11-25T07:10:06Z", "id": "TIC101", "who": "operator1", "number": str(self.written)}
            lines.append(json.dumps(line) + "\n")
            self.written += 1
        with self.path.open("a") as file:
            file.writelines(lines)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _grow(self) -> None:
        while not self._stop.wait(self._random.uniform(0, 2 * self._pause)):
            self.add(self._random.randint(1, 3))


class Site:
    """An agent's folder, its sources, and the process that runs there."""

    def __init__(
        self,
        plant: "Plant",
        name: str,
        sources: Sequence[str],
        namespace: str | None,
        line_pause: float,
        **config: Any,
    ) -> None:
        self.plant = plant
        self.name = name
        self.namespace = namespace
        self.folder = plant.folder / name
        self.files = {
            source: LineFile(plant.folder / f"{source}.jsonl", at, line_pause) for at, source in enumerate(sources)
        }
        self.config: dict[str, Any] = {"heartbeat_s": 0.5, "longest_wait_s": 1.0, **config}
        self._output = plant.folder / f"{name}.log"
        self._command: Command | None = None
        self._before = 0

    def enrol(self, server: str, enrol_server: str, code: str) -> None:
        """Enrols it by the command, and has it confirmed by a second person."""
        arguments = ["agent", "enrol", str(self.folder), "--server", server, "--enrol-server", enrol_server]
        done = Command([*arguments, "--code", code], self._output, namespace=self.namespace)
        if done.wait(START_SECONDS):
            raise CommandFailed(f"{self.name} was not enrolled:\n{done.tail()}")
        shown = fingerprint(self.identity.public_key)
        assert shown in done.printed().decode()
        with self.plant.opened() as service:
            service.agents.confirm(self.name, shown, "compared on site", CONFIRMER)
        self.configure(server)

    def configure(self, server: str) -> None:
        """Writes the configuration, as a person on site does."""
        (self.folder / "numbered.toml").write_text(MAPPING)
        lines = [f"server = {json.dumps(server)}", *(f"{name} = {value}" for name, value in self.config.items())]
        for source, file in self.files.items():
            lines += [
                "[[source]]",
                f"id = {json.dumps(source)}",
                'type = "tail"',
                f"options = {{ path = {json.dumps(str(file.path))} }}",
                'mapping = "numbered.toml"',
                "every_s = 0.3",
            ]
        (self.folder / "agent.toml").write_text("\n".join(lines) + "\n")

    @property
    def identity(self) -> Identity:
        return Identity(self.folder)

    @property
    def command(self) -> Command:
        assert self._command is not None
        return self._command

    def start(self, *options: str) -> None:
        """Starts `trailseal agent run`."""
        self._before = self._numbered()
        self._command = Command(["agent", "run", str(self.folder), *options], self._output, namespace=self.namespace)

    def kill(self) -> None:
        """Kills it where it stands (SIGKILL)."""
        self.command.kill()

    def stop(self) -> None:
        """Ends it in order; raises CommandFailed if it does not end well."""
        if self.command.end():
            raise CommandFailed(f"{self.name} ended badly:\n{self.command.tail()}")

    def status(self) -> AgentStatus:
        """What it told of itself last."""
        deadline = time.monotonic() + START_SECONDS
        while not (self.folder / STATUS_FILE).exists():
            self.require_running()
            assert time.monotonic() < deadline, self.command.tail()
            time.sleep(0.05)
        return msgspec.json.decode((self.folder / STATUS_FILE).read_bytes(), type=AgentStatus)

    def working(self) -> None:
        """Returns once the process that was started last is at work: it has read something, signed and spooled it."""
        deadline = time.monotonic() + START_SECONDS
        while self._numbered() == self._before:
            self.require_running()
            assert time.monotonic() < deadline, self.command.tail()
            time.sleep(0.02)

    def _numbered(self) -> int:
        """The number of the last batch in the spool."""
        path = self.folder / FILE_NAME
        if not path.exists():
            return 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as spool:
            try:
                found = spool.execute("SELECT standing FROM place").fetchone()
            except sqlite3.OperationalError:  # it is being made
                return 0
        return 0 if found is None else msgspec.json.decode(found[0], type=Place).number

    def require_running(self) -> None:
        if self.command.exit_code is not None:
            raise CommandFailed(f"{self.name} ended with {self.command.exit_code}:\n{self.command.tail()}")

    def until(self, holds: Any, seconds: float = 60.0) -> AgentStatus:
        """The first status for which `holds` is true; raises AssertionError if there is none in time."""
        deadline = time.monotonic() + seconds
        while not holds(found := self.status()):
            self.require_running()
            assert time.monotonic() < deadline, f"{found}\n{self.command.tail()}"
            time.sleep(0.05)
        return found


class Plant:
    """The ledger and its service; agents are added to it."""

    def __init__(
        self,
        folder: Path,
        host: str = "127.0.0.1",
        namespace: str | None = None,
        checkpoint_seconds: float = 0.3,
        **ports: Any,
    ) -> None:
        """`host`: where the agents' ports listen. In a namespace of its own the ports may be any."""
        self.folder = folder
        self.namespace = namespace
        self.ledger = folder / "ledger"
        port, enrol_port = (free_port(), free_port()) if namespace is None else (8471, 8472)
        self.ports = AgentPorts(host=host, port=port, enrol_port=enrol_port, **ports)
        settings = Settings(origin="plant.example/a", checkpoint_seconds=checkpoint_seconds, agents=self.ports)
        put_schema(self.ledger, settings)
        create(self.ledger, settings, INVITER).close()
        self.sites: list[Site] = []
        self._output = folder / "serve.log"
        self._command: Command | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for site in self.sites:
            if site._command is not None:
                site.kill()
        if self._command is not None:
            self._command.kill()

    def start(self) -> None:
        """Starts `trailseal serve`; returns once it answers."""
        before = self._output.stat().st_size if self._output.exists() else 0
        arguments = ["serve", "--ledger", str(self.ledger), "--port", "0"]
        self._command = Command(arguments, self._output, namespace=self.namespace)
        deadline = time.monotonic() + START_SECONDS
        while re.search(rb"^Sign in once", self._command.printed()[before:], re.MULTILINE) is None:
            if self._command.exit_code is not None or time.monotonic() > deadline:
                raise CommandFailed(f"the service did not start:\n{self._command.tail()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kills the service."""
        assert self._command is not None
        self._command.kill()

    @contextmanager
    def opened(self) -> Iterator[Service]:
        """The ledger, opened beside the service."""
        service = Service(self.ledger)
        try:
            yield service
        finally:
            service.close()

    def add(
        self,
        name: str,
        sources: Sequence[str],
        *,
        host: str = "127.0.0.1",
        namespace: str | None = None,
        zone: str = "zone 2",
        line_pause: float = 0.004,
        **config: Any,
    ) -> Site:
        """An agent, invited, enrolled and confirmed; it reaches the ledger's ports at `host`."""
        site = Site(self, name, sources, namespace, line_pause, **config)
        self.sites.append(site)
        with self.opened() as service:
            for source, file in site.files.items():
                options = {"path": str(file.path)}
                service.sources.register(
                    SourceConfig(id=source, type="tail", title=source, options=options, mapping=MAPPING), INVITER
                )
            code = invite(service, name, tuple(sources), zone, "for the test", INVITER, None).code
        site.enrol(f"https://{host}:{self.ports.port}", f"https://{host}:{self.ports.enrol_port}", code)
        return site

    def numbers(self, source: str) -> list[int]:
        """The numbers of a source's records, in the order of the log."""
        found = []
        for body in self._bodies("record"):
            if body["record"]["source"] == source:
                found.append(int(body["record"]["changes"][0]["new"]))
        return found

    def all_there(self, site: Site, seconds: float = 60.0) -> None:
        """Waits until every line of the site's files is a record, each once and in order; the agent runs meanwhile."""
        for source, file in site.files.items():
            deadline = time.monotonic() + seconds
            while (found := self.numbers(source)) != list(range(file.written)):
                site.require_running()
                assert time.monotonic() < deadline, f"{len(found)} of {file.written}: {site.status()}"
                time.sleep(0.2)

    def runs(self, source: str) -> list[dict[str, Any]]:
        """The bodies of a source's runs."""
        return [body for body in self._bodies("collection-run") if body["source"] == source]

    def deliveries(self, agent: str) -> list[dict[str, Any]]:
        """The headers of an agent's batches."""
        found = [body["header"] for body in self._bodies("delivery")]
        return [header for header in found if header["agent"] == agent]

    def verify(self, *, restart: bool = True) -> None:
        """Raises AssertionError unless the record log verifies, every level that there is. The service is stopped, and
        started again unless nothing comes after.
        """
        self.kill()
        with self.opened() as service:
            found = service.verifier.run(service.record_log().log, full=True)
        assert found.holds, found.fault
        if restart:
            self.start()

    def _bodies(self, kind: str) -> list[dict[str, Any]]:
        with self.opened() as service, service.store.reader(service.record_log().log.number) as reader:
            stored = list(reader.entries(0, reader.head().size))
        return [
            msgspec.json.decode(entry.body)
            for entry in stored
            if entry.body is not None and decode_leaf(entry.leaf).kind == kind
        ]
