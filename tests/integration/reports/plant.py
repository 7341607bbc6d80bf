"""A ledger with two sources, one batch in two worlds, and whatever makes packages hard; the same each time."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Change,
    Interval,
    Link,
    LinkBasis,
    LinkKind,
    Original,
    Record,
    Submission,
    Target,
)
from ledger.core.run import Gap, Rejected, RunBatch
from ledger.core.source import SourceConfig
from ledger.core.statement import sign_report
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from ledger.trace.evidence import gather
from ledger.trace.selection import ByBatch, Selection
from reports.package import Issued, build
from tests.support.ledgers import LIGHT, put_schema

START_US = 1_764_054_000_000_000
MINUTE = 60_000_000
BATCH = ByBatch(kind=LinkKind.BATCH, id="B-2026-041")
SETTINGS = Settings(origin="plant.example/site-a")
NAMES = ("A. Example", "B. Example", "C. Example")
AUTHORITY = Authority(actor="local:test", authenticated=False)
HARD_TEXT = "Вязкость µ≈5 — 粘度 — لزوجة \u202e<b>&amp;\x07 =1+1 " + "long text " * 90


class Plant:
    """A ledger with runs of a DCS (sealed names, originals, measured clock) and an ERP."""

    def __init__(self, folder: Path, records: int, settings: Settings) -> None:
        put_schema(folder, settings)
        self.service: Service = create(folder, settings, AUTHORITY, effort=LIGHT)
        self.log = self.service.log()
        self.vkey = self.service.vkey(self.log)
        self._dice = random.Random(records)
        for name, title, seal in (("dcs", "Reactor control", ("actor.name",)), ("erp", "ERP", ())):
            config = SourceConfig(id=name, type="test", title=title, seal=seal)
            self.service.sources.register(config, AUTHORITY)
        self._cursors: dict[str, str | None] = {"dcs": None, "erp": None}
        half = records // 2
        for at in range(0, half, 100):
            self._run("dcs", [self._dcs(n, half) for n in range(at, min(at + 100, half))], at)
        for at in range(0, records - half, 100):
            self._run("erp", [self._erp(n) for n in range(at, min(at + 100, records - half))], at)
        self.service.publisher.publish_all()

    def seal(self, payload: Mapping[str, object]) -> bytes:
        """Signs with the log's report key."""
        return sign_report(self.log.origin, payload, self.service.keys.report_key(self.log.name))

    def package(self, out: Path, selection: Selection = BATCH, *, disclose: bool = False, zone: str = "UTC") -> Issued:
        """Writes a package."""
        with gather(self.service.store, self.log, selection) as evidence:
            return build(evidence, out, self.seal, product="trailseal test", disclose=disclose, zone=zone)

    def _run(self, source: str, submissions: list[Submission], at: int) -> None:
        first = at == 0 and source == "dcs"
        began = START_US + at * MINUTE
        batch = RunBatch(
            source=source,
            started_at=utc_text(began),
            ended_at=utc_text(began + 100 * MINUTE),
            cursor_from=self._cursors[source],
            cursor_to=str(at + len(submissions)),
            submissions=tuple(submissions),
            rejected=(Rejected(data=b"\xff", media_type="text/plain", reason="not UTF-8", received_at=utc_text(began)),)
            if first
            else (),
            clock=CLOCK if source == "dcs" else None,
            unreachable=(Interval(after=utc_text(began), before=utc_text(began + MINUTE)),) if first else (),
            gaps=(
                Gap(
                    subject="TIC-101",
                    reason="several changes between two looks",
                    between=Interval(after=utc_text(began), before=utc_text(began + MINUTE)),
                ),
            )
            if first
            else (),
        )
        self.service.ingest.submit(batch, AUTHORITY)
        self._cursors[source] = batch.cursor_to

    def _dcs(self, n: int, count: int) -> Submission:
        """Every third names the batch; 1 starts and the one before the last tenth stops its occupation of R-101."""
        stop = count - count // 10 - 1
        action = Action.START if n == 1 else Action.STOP if n == stop else Action.UPDATE
        links = [Link(kind=LinkKind.EQUIPMENT, id="R-101", basis=LinkBasis.READ)]
        if n in (1, stop) or (1 < n < stop and n % 3 == 0):
            links.append(Link(kind=LinkKind.BATCH, id=BATCH.id, basis=LinkBasis.READ))
        old = self._dice.uniform(20, 90)
        record = Record(
            source="dcs",
            source_record_id=f"ev-{n}",
            action=action,
            occurred_at=_time(START_US + n * MINUTE, Precision.MILLISECOND),
            actor=Actor(
                account=f"operator{n % 3 + 1}", kind=ActorKind.PERSON, name=NAMES[n % 3], role="operator", channel="hmi"
            ),
            object=Target(type="tag", id=f"TIC-{101 + n % 4}.SP", name="Jacket temperature setpoint"),
            changes=(Change(attribute="Value", old=f"{old:.1f}", new=f"{old + 2:.1f}", unit="°C"),)
            if action is Action.UPDATE
            else (),
            reason="batch sheet step 4" if n % 2 else None,
            links=tuple(links),
        )
        data = f"ev-{n};{NAMES[n % 3]};{old:.1f};{old + 2:.1f}".encode()
        original = Original(data=data, media_type="text/csv", parser="test", parser_version="1")
        return Submission(
            record=record, received_at=utc_text(START_US + n * MINUTE + 900_000), clock=CLOCK, original=original
        )

    def _erp(self, n: int) -> Submission:
        mine = n % 5 == 0
        links = (Link(kind=LinkKind.BATCH, id=BATCH.id, basis=LinkBasis.READ),) if mine else ()
        changes: tuple[Change, ...] = (
            Change(
                attribute="quantity",
                old=str(100 + n),
                new=str(98 + n),
                unit="kg",
                inferred=Interval(after=utc_text(START_US + n * MINUTE), before=utc_text(START_US + (n + 1) * MINUTE)),
                gap=n % 10 == 0,
            ),
        )
        if n == 15:
            changes += (Change(attribute="note", old="short", new=HARD_TEXT),)
        record = Record(
            source="erp",
            source_record_id=f"stock.move,{n}",
            action=Action.UPDATE if n % 7 else Action.CREATE,
            occurred_at=_time(START_US + n * MINUTE + 7_000, Precision.SECOND)
            if n != 20
            else SourceTime(text="yesterday", precision=Precision.DAY, basis=Basis.NONE),
            source_recorded_at=_time(START_US + n * MINUTE + 20_000, Precision.MICROSECOND),
            actor=Actor(account="planner1", kind=ActorKind.PERSON, role="planner"),
            object=Target(type="stock.move", id=str(n), name='=HYPERLINK("x")' if n == 25 else "Stock move"),
            changes=changes,
            reason="@SUM(1)" if n == 10 else None,
            links=links,
        )
        return Submission(record=record, received_at=utc_text(START_US + n * MINUTE + 5_000_000))


CLOCK = Clock(offset_us=1_200_000, uncertainty_us=40_000, measured_at=utc_text(START_US), method="server time read")


def _time(instant_us: int, precision: Precision) -> SourceTime:
    return SourceTime(
        text=utc_text(instant_us).replace("Z", "+00:00"),
        precision=precision,
        basis=Basis.SOURCE_ZONE,
        instant_us=instant_us,
        offset="+00:00",
    )


@contextmanager
def plant(folder: Path, records: int, settings: Settings = SETTINGS) -> Iterator[Plant]:
    """A plant that is closed afterwards."""
    made = Plant(folder, records, settings)
    try:
        yield made
    finally:
        made.service.close()
