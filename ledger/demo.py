"""The demo: the story of one batch in the small plant, followed by a ledger from its six sources to a package.

The sources are real servers in processes of their own (`collectors.demo`); the ledger reaches them as it would any
plant's, through registered sources and the collectors' runner.
"""

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from collectors.demo.erp import ErpServer
from collectors.demo.mes import MAPPING as MES_MAPPING
from collectors.demo.modbus import BYPASS, MIXING_TIME, MODE, SET_POINT
from collectors.demo.opcua import OpcUaServer
from collectors.demo.opcua_plant import BATCH_ID, BUFFER, REACTOR
from collectors.demo.shop_floor import GATEWAY_MAPPING, ShopFloor
from collectors.demo.story import LEVEL, PRESSURE, RECIPE_HOLD, RECIPE_TEMPERATURE, TEMPERATURE, Story
from collectors.registry import open_collector
from collectors.runner import Runner
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import SystemClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, IntegrityError
from ledger.core.record import LinkKind
from ledger.core.source import SourceConfig
from ledger.creating import create
from ledger.demo_staff import OFFICER, Staff
from ledger.demo_time import DemoTime
from ledger.packages import issue
from ledger.service import Service
from ledger.settings import Settings
from ledger.store.question import Query
from ledger.store.search import count
from ledger.trace.selection import ByBatch, Chosen
from ledger.trust.files import write_durably

ORIGIN = "demo.example/plant"
ERP, DCS, PLC, MES, RECIPES, GATEWAY = "erp", "dcs", "plc", "mes", "recipes", "gateway"
WATCHED = (TEMPERATURE, PRESSURE, RECIPE_TEMPERATURE, RECIPE_HOLD, LEVEL)
"""Tags whose values are watched besides the audit events."""
_COLLECTOR = "collector"
_PULL_SECONDS = 10.0
_QUIET_SECONDS = 3.0
"""How long to go on listening to the control system after the story's last event."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What the demo made: paths of package and ledger, records collected, the checkpoint's size, the log's key.

    `signatures`: by how many electronic signatures the batch's records were signed off; `tsa_root`: the file of the
    root of the authority that dated them, if there is one.
    """

    package: str
    ledger: str
    records: int
    checkpoint: int
    vkey: str
    signatures: int
    tsa_root: str | None = None


class Demo:
    """A plant and its ledger in one folder, from `with` to its end."""

    def __init__(self, folder: Path, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._open = contextlib.ExitStack()
        self.package = folder / "evidence.zip"
        self.batch = ""

    def __enter__(self) -> Self:
        if (self._folder / "ledger").exists():
            raise ConfigError(f"{self._folder} holds a demo already", advice="Choose an empty folder for --dir.")
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as opening:
            self._tell("Starting the ERP (Tryton); its first start takes about 15 s …")
            self._erp = opening.enter_context(ErpServer(self._folder / "erp"))
            self._tell("Starting the control system (OPC UA) …")
            self._dcs = opening.enter_context(OpcUaServer(self._folder / "dcs"))
            self._tell("Starting the PLC (Modbus TCP) and opening MES, recipes and gateway log …")
            self._floor = opening.enter_context(ShopFloor(self._folder, SystemClock()))
            self._time = opening.enter_context(DemoTime(self._folder, SystemClock()))
            self.service = self._create_ledger()
            opening.callback(self.service.close)
            self.staff = Staff(self.service)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def run(self) -> Done:
        """Tells the story while collecting, verifies, and writes the batch's package."""
        story = Story(self._erp, self._dcs)
        with self.following(threading.Event()) as runners:
            for step in story.steps():
                self._tell(f"  {step.name}")
                step.act()
                self._floor.act(step.name, story.batch)
                # A look at the ERP is many requests: between two of its steps nothing happens there.
                _pull(runners, but={DCS} if step.in_erp else {DCS, ERP})
            _pull(runners, but={DCS})
            threading.Event().wait(_QUIET_SECONDS)
        self.batch = story.facts.batch
        log = self.service.log()
        self._tell("Verifying the ledger …")
        report = self.service.verifier.run(log)
        if not report.holds:
            raise IntegrityError(f"the demo's ledger does not verify: {report.summary}")
        self._tell(f"Two people found the ledger, a third joins; batch {self.batch} is reviewed and approved …")
        signatures = self._sign_off(log)
        self._time.confirm(self.service, self.staff.members[OFFICER].caller.authority)
        self._tell(f"Writing the evidence package of batch {self.batch} …")
        issued = issue(
            self.service,
            log,
            ByBatch(kind=LinkKind.BATCH, id=self.batch),
            self.package,
            self.service.people.local("demo"),
        )
        return Done(
            package=str(self.package),
            ledger=str(self._folder / "ledger"),
            records=self._records(log),
            checkpoint=issued.size,
            vkey=self.service.vkey(log),
            signatures=len(signatures),
            tsa_root=None if self._time.root is None else str(self._time.root),
        )

    def _sign_off(self, log: LogId) -> list[str]:
        """The demo's people sign what the ledger holds of the batch, as of a checkpoint of now."""
        self.staff.found(utc_text(self.service.clock.now_us())[:10])
        checkpoint = self.service.publisher.publish(log)
        with self.service.store.reading() as connection:
            chosen = Chosen(connection, log.number, checkpoint.size, ByBatch(kind=LinkKind.BATCH, id=self.batch))
            entries = tuple(sorted(one.index for one in chosen))
        return self.staff.sign_off(log.name, entries, f"records of batch {self.batch}")

    def _records(self, log: LogId) -> int:
        with self.service.store.reader(log.number) as reader:
            return count(reader.connection, log.number, reader.head().size, Query())

    @contextlib.contextmanager
    def following(self, stop: threading.Event) -> Iterator[dict[str, Runner]]:
        """The control system is listened to in a thread of its own; the other runners are the caller's to pull."""
        record_log = self.service.record_log()
        sink = record_log.sink(self.service.people.local("demo"))
        clock = self.service.clock
        runners = {
            config.id: Runner(open_collector(config, clock), sink, clock, stop=stop)
            for config in record_log.sources.list()
        }
        failed: list[CollectorError] = []

        def listen() -> None:
            try:
                runners[DCS].follow()
            except CollectorError as error:
                failed.append(error)

        thread = threading.Thread(target=listen, name="listen to the control system")
        thread.start()
        try:
            yield runners
        finally:
            stop.set()
            thread.join()
        if failed:
            raise failed[0]

    @contextlib.contextmanager
    def living(self, stop: threading.Event) -> Iterator[None]:
        """The plant goes on with small changes, and the ledger follows it, until `stop` is set."""
        story = Story(self._erp, self._dcs)
        with self.following(stop) as runners:
            threads = [
                threading.Thread(target=story.live, args=(stop,), name="plant"),
                *(
                    threading.Thread(target=runner.follow, args=(_PULL_SECONDS,), name=f"collect from {name}")
                    for name, runner in runners.items()
                    if name != DCS
                ),
            ]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join()

    def _create_ledger(self) -> Service:
        authority = Authority(actor="local:demo", authenticated=False)
        service = create(self._folder / "ledger", Settings(origin=ORIGIN), authority)
        for config in (self._erp_source(), self._dcs_source(), *self._floor_sources()):
            service.sources.register(config, authority)
        self._time.propose(service, authority)
        return service

    def _floor_sources(self) -> Iterator[SourceConfig]:
        yield SourceConfig(
            id=PLC,
            type="modbus",
            title="Mixer controller (Modbus TCP)",
            options={
                "host": "127.0.0.1",
                "port": str(self._floor.plc.port),
                "points": f"TIC101.SP = holding:{SET_POINT}:float32 [degC] @{REACTOR}\n"
                f"MIX101.TIME = holding:{MIXING_TIME}:uint32:little [s] @{REACTOR}\n"
                f"MIX101.MODE = holding:{MODE} @{REACTOR}\nMIX101.BYPASS = coil:{BYPASS} @{REACTOR}",
                "requests_per_second": "50",
            },
            owner="automation",
        )
        yield SourceConfig(
            id=MES,
            type="sql",
            title="Batch record (MES, SQLite)",
            options={"url": self._floor.mes.url},
            mapping=MES_MAPPING,
            owner="production",
        )
        yield SourceConfig(
            id=RECIPES,
            type="snapshot-files",
            title="Recipe files",
            options={"folder": str(self._floor.recipes), "include": "*.toml"},
            owner="engineering",
        )
        yield SourceConfig(
            id=GATEWAY,
            type="tail",
            title="Gateway between the zones (log)",
            options={"path": str(self._floor.gateway)},
            mapping=GATEWAY_MAPPING,
            owner="it",
        )

    def _erp_source(self) -> SourceConfig:
        return SourceConfig(
            id=ERP,
            type="tryton",
            title="ERP (Tryton)",
            options={"url": self._erp.url, "user": _COLLECTOR},
            secrets={"password": self._secret("erp", self._erp.passwords[_COLLECTOR])},
            owner="planning",
        )

    def _dcs_source(self) -> SourceConfig:
        tags = ", ".join(name.replace(".", "/") for name in WATCHED)
        return SourceConfig(
            id=DCS,
            type="opcua",
            title="Control system (OPC UA)",
            options={
                "url": self._dcs.endpoint,
                "user": _COLLECTOR,
                "values": tags,
                "batch": f"{BATCH_ID.replace('.', '/')} = {REACTOR}",
                "equipment": f"{REACTOR} = {REACTOR}, {BUFFER} = {BUFFER}",
            },
            secrets={"password": self._secret("dcs", self._dcs.passwords[_COLLECTOR])},
            owner="automation",
        )

    def _secret(self, name: str, value: str) -> str:
        path = self._folder / f"{name}.password"
        write_durably(path, value.encode())
        return f"file:{path}"


def _pull(runners: dict[str, Runner], but: Collection[str]) -> None:
    """A look at every source but these."""
    for name, runner in runners.items():
        if name not in but:
            runner.pull()
