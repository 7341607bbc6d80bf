"""A small ledger whose records are written by hand, for what the trace makes of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.record import (
    Action,
    Actor,
    ActorKind,
    Link,
    LinkBasis,
    LinkKind,
    Original,
    Outcome,
    Record,
    Submission,
    Target,
)
from ledger.core.run import RunBatch
from ledger.core.source import SourceConfig
from ledger.core.times import Basis, Clock, Precision, SourceTime
from ledger.creating import create
from ledger.service import Service
from ledger.settings import Settings
from tests.support.ledgers import LIGHT, put_schema

AUTHORITY = Authority(actor="local:test", authenticated=False)
T0 = 1_764_054_000_000_000
SECOND = 1_000_000


def clock(offset_us: int, uncertainty_us: int) -> Clock:
    """A measured clock."""
    return Clock(offset_us=offset_us, uncertainty_us=uncertainty_us, measured_at=utc_text(T0), method="test")


EXACT = clock(0, 0)


def said(
    number: int,
    at: float | None,
    action: Action = Action.UPDATE,
    *,
    batch: str | None = None,
    equipment: str | None = "R-1",
    outcome: Outcome = Outcome.SUCCESS,
    source_clock: Clock | None = EXACT,
    precision: Precision = Precision.MICROSECOND,
    name: str | None = None,
) -> Submission:
    """A record that happened `at` seconds after T0 by its source's clock."""
    instant = None if at is None else T0 + round(at * SECOND)
    links = []
    if batch is not None:
        links.append(Link(kind=LinkKind.BATCH, id=batch, basis=LinkBasis.READ))
    if equipment is not None:
        links.append(Link(kind=LinkKind.EQUIPMENT, id=equipment, basis=LinkBasis.READ))
    return Submission(
        record=Record(
            source="dcs",
            source_record_id=str(number),
            action=action,
            outcome=outcome,
            occurred_at=SourceTime(
                text=f"t{number}", precision=precision, basis=Basis.SOURCE_ZONE, instant_us=instant, offset="+00:00"
            ),
            actor=Actor(account="operator1", kind=ActorKind.PERSON, name=name),
            object=Target(type="tag", id="TIC-1.SP"),
            links=tuple(links),
        ),
        received_at=utc_text(T0 + 3600 * SECOND),
        clock=source_clock,
        original=None if name is None else Original(data=b"raw", media_type="text/x", parser="t", parser_version="1"),
    )


class Small:
    """A ledger with one source; entries of records are found by the number they were given."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(origin="small.example/site")
        put_schema(folder, settings)
        self.service: Service = create(folder, settings, AUTHORITY, effort=LIGHT)
        self.log = self.service.log()
        self.service.sources.register(SourceConfig(id="dcs", type="test", title="DCS"), AUTHORITY)
        self._cursor: str | None = None
        self.index: dict[int, int] = {}

    def collect(self, submissions: Sequence[Submission]) -> None:
        """One run."""
        cursor = str(len(self.index) + len(submissions))
        receipt = self.service.ingest.submit(
            RunBatch(
                source="dcs",
                started_at=utc_text(T0),
                ended_at=utc_text(T0),
                cursor_from=self._cursor,
                cursor_to=cursor,
                submissions=tuple(submissions),
            ),
            AUTHORITY,
        )
        self._cursor = cursor
        for submission, outcome in zip(submissions, receipt.outcomes, strict=True):
            self.index[int(submission.record.source_record_id)] = outcome.index
        self.service.publisher.publish_all()

    @property
    def size(self) -> int:
        """The log's size now."""
        with self.service.store.reader(self.log.number) as reader:
            return reader.head().size


@contextmanager
def small(folder: Path) -> Iterator[Small]:
    """A ledger that is closed afterwards."""
    made = Small(folder)
    try:
        yield made
    finally:
        made.service.close()
