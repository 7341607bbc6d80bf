"""Integrity at a glance: what is known of each log and each source, what is not, and since when."""

from typing import Final

import msgspec
from sqlalchemy import Connection, func, select

from ledger.agents.broker_state import BrokerState
from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError, NotFound
from ledger.core.source import ARCHIVE, BY_HAND
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.states import State, judged
from ledger.present.times import Moment, ago, duration, moment
from ledger.present.values import Pieces
from ledger.sources import tables as sources
from ledger.sources.exposed import lately
from ledger.sources.import_kinds import ImportState
from ledger.sources.systems import counts, systems_of
from ledger.store import schema
from ledger.store.checkpoints import latest
from ledger.store.logs import SYSTEM_LOG, read_logs
from ledger.store.position import index_of, log_of, pos_of
from ledger.store.reading import LogReader
from ledger.trust import tables as trust
from ledger.web.views.agents import AgentsView, agents_view
from ledger.web.views.common import Scope, ShownCheckpoint, entry_line, read_leaf, show_checkpoint
from ledger.web.views.stamps import ShownStamped, show_outages, show_stamped
from ledger.web.views.verified import Verified, verified_view
from ledger.web.views.witnessed import Witnessed, witnessed_view

EXPOSURE_SAMPLE: Final = 500
"""Newest records of a source over which its exposure window is stated."""


class LatestCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint of a log, checked for the page. `covers` is when its last entry was logged.

    `matches`: its root is the root of the log's tree at that size. `witnessed`: what witnesses said. `bound` is when
    the checkpoint was entered in another log, which dates it from outside; None where it was not.
    """

    shown: ShownCheckpoint
    matches: State
    witnessed: Witnessed
    covers: Moment
    age: str
    bound: Moment | None


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A log as it stands. `open_entries` of its entries are under no checkpoint yet, the oldest since `open_since`."""

    log: LogId
    size: int
    root: bytes
    last_logged: Moment
    last_age: str
    last_kind: str
    last_sentence: Pieces
    checkpoint: LatestCheckpoint | None
    stamped: ShownStamped
    open_entries: int
    open_since: str


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """Received minus source-recorded, over the newest records: the time in which the source alone held them.

    `negative` of them were, by the source's clock, recorded after they were received.
    """

    records: int
    median: str
    longest: str
    negative: int


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A source, its last run and what its runs could not know. `run` is the entry of the last run; None: none yet."""

    log: LogId
    id: str
    title: str
    type: str
    registered: int
    run: int | None
    ended: Moment | None
    age: str
    records: int
    quarantined: int
    gaps: int
    exposure: Exposure | None
    state: State
    coverage: str


class InventoryStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The site's systems by how their audit trails are looked after; of `open_systems` nobody is known to do so."""

    log: LogId
    total: int
    sentence: str
    state: State
    open_systems: tuple[str, ...]


class HomeView(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page: what was verified, the logs, the sources, the edge agents, the site's systems, and when it was
    read. `outages`: authorities of time that do not answer; `incidents`: the cases that are open.
    """

    verified: Verified
    logs: tuple[LogStatus, ...]
    outages: tuple[str, ...]
    sources: tuple[SourceStatus, ...]
    agents: AgentsView
    inventory: tuple[InventoryStatus, ...]
    now: Moment
    incidents: tuple[str, ...] = ()


def home_view(scope: Scope, connection: Connection, broker: BrokerState | None = None) -> HomeView:
    """Reads the state of the whole ledger in one snapshot; what does not hold is shown, not raised. `broker` is how
    this process's connection to the agents' broker fares, where it has one.
    """
    now = scope.clock.now_us()
    return HomeView(
        verified=verified_view(scope, connection, _records_first(scope.logs), now),
        logs=tuple(_log(scope, connection, log, now) for log in _records_first(scope.logs)),
        outages=show_outages(scope, connection),
        sources=tuple(
            status for log in scope.logs if log.number != SYSTEM_LOG for status in _sources(scope, connection, log, now)
        ),
        agents=agents_view(scope, connection, broker, now),
        inventory=tuple(_inventory(scope, connection, log) for log in scope.logs if log.number != SYSTEM_LOG),
        now=moment(now, scope.zone),
        incidents=scope.standing.open_cases,
    )


def _inventory(scope: Scope, connection: Connection, log: LogId) -> InventoryStatus:
    try:
        found = counts(systems_of(connection, scope.kinds, log.number))
    except LedgerError as error:
        says = inert(error.message)
        return InventoryStatus(log=log, total=0, sentence=says, state=State.FAILS, open_systems=())
    return InventoryStatus(
        log=log,
        total=found.total,
        sentence=message(
            "inventory.counts", total=found.total, connected=found.connected, elsewhere=found.elsewhere, open=found.open
        ),
        state=State.UNKNOWN if found.open or not found.total else State.HOLDS,
        open_systems=tuple(inert(one) for one in found.open_systems),
    )


def _records_first(logs: tuple[LogId, ...]) -> list[LogId]:
    return sorted(logs, key=lambda log: (log.number == SYSTEM_LOG, log.number))


def _log(scope: Scope, connection: Connection, log: LogId, now: int) -> LogStatus:
    reader = LogReader(connection, log.number)
    head = reader.head()
    last = reader.entry(head.size - 1)
    line = entry_line(scope, last, reader)
    checkpoint = _checkpoint(scope, reader, log, now)
    covered = 0 if checkpoint is None else checkpoint.shown.size
    waiting = head.size - covered
    return LogStatus(
        log=log,
        size=head.size,
        root=head.root(),
        last_logged=moment(head.logged_us, scope.zone),
        last_age=ago(head.logged_us, now),
        last_kind=line.kind,
        last_sentence=line.sentence,
        checkpoint=checkpoint,
        stamped=show_stamped(scope, reader.connection, log),
        open_entries=waiting,
        open_since=ago(_logged_us(reader, log, covered), now) if waiting > 0 else "",
    )


def _checkpoint(scope: Scope, reader: LogReader, log: LogId, now: int) -> LatestCheckpoint | None:
    try:
        stored = latest(reader.connection, log.number)
    except NotFound:
        return None
    shown = show_checkpoint(scope, reader.connection, log, stored.note)
    covers = _logged_us(reader, log, shown.size - 1)
    bound = reader.connection.scalar(
        select(func.min(trust.log_binding.c.pos)).where(
            trust.log_binding.c.origin == log.origin, trust.log_binding.c.size == shown.size
        )
    )
    return LatestCheckpoint(
        shown=shown,
        matches=_matches(reader, shown),
        witnessed=witnessed_view(scope, reader.connection, log, stored, now),
        covers=moment(covers, scope.zone),
        age=ago(covers, now),
        bound=None if bound is None else moment(_bound_us(reader.connection, bound), scope.zone),
    )


def _bound_us(connection: Connection, pos: int) -> int:
    # It may be a log that whoever looks at this page may not read.
    log = next(log for log in read_logs(connection) if log.number == log_of(pos))
    return _logged_us(LogReader(connection, log.number), log, index_of(pos))


def _matches(reader: LogReader, shown: ShownCheckpoint) -> State:
    try:
        return judged(reader.root(shown.size) == shown.root)
    except LedgerError:
        return State.FAILS


def _logged_us(reader: LogReader, log: LogId, index: int) -> int:
    return parse_utc(read_leaf(log.name, reader.entry(index)).logged_at)


def _sources(scope: Scope, connection: Connection, log: LogId, now: int) -> list[SourceStatus]:
    source = sources.source.c
    rows = connection.execute(
        select(source.key, source.title, source.type, source.from_index)
        .where(source.log == log.number, source.to_index.is_(None))
        .order_by(source.key)
    ).all()
    return [_source(scope, connection, log, now, *row) for row in rows]


def _source(
    scope: Scope, connection: Connection, log: LogId, now: int, key: str, title: str, kind: str, registered: int
) -> SourceStatus:
    run = sources.collection_run.c
    mine = (run.source == key, run.pos >= pos_of(log.number, 0), run.pos < pos_of(log.number + 1, 0))
    last = connection.execute(select(run.pos, run.ended_us).where(*mine).order_by(run.pos.desc()).limit(1)).first()
    records, quarantined, gaps = connection.execute(
        select(
            func.coalesce(func.sum(run.records), 0),
            func.coalesce(func.sum(run.quarantined), 0),
            func.coalesce(func.sum(run.gaps + run.unreachable), 0),
        ).where(*mine)
    ).one()
    state = State.UNKNOWN if last is None or gaps or quarantined else State.HOLDS
    coverage = _coverage(last is not None, bool(gaps or quarantined))
    if kind == ARCHIVE:
        settled = _reconciled(connection, log, key)
        state = State.HOLDS if settled else State.UNKNOWN
        coverage = "source.coverage.imported" if settled else "source.coverage.unreconciled"
    if kind == BY_HAND:
        coverage = "source.coverage.by-hand"
        records = _entered(connection, log, key)
    return SourceStatus(
        log=log,
        id=key,
        title=one_line(title),
        type=inert(kind),
        registered=registered,
        run=None if last is None else index_of(last.pos),
        ended=None if last is None else moment(last.ended_us, scope.zone),
        age="" if last is None else ago(last.ended_us, now),
        records=int(records),
        quarantined=int(quarantined),
        gaps=int(gaps),
        exposure=_exposure(connection, log, LogReader(connection, log.number).head().size, key),
        state=state,
        coverage=message(coverage),
    )


def _reconciled(connection: Connection, log: LogId, key: str) -> bool:
    """Whether an archive was imported, and all its imports agree with the old system's figures."""
    row = sources.source_import.c
    states = connection.scalars(
        select(row.state).where(row.log == log.number, row.source == key, row.to_index.is_(None))
    ).all()
    return bool(states) and set(states) <= {ImportState.RECONCILED.value, ImportState.TRUE_COPY.value}


def _entered(connection: Connection, log: LogId, key: str) -> int:
    """How many records of a source people entered."""
    row = schema.record.c
    mine = (row.source == key, row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0))
    return connection.scalar(select(func.count()).where(*mine)) or 0


def _coverage(collected: bool, troubled: bool) -> str:
    if not collected:
        return "source.coverage.none"
    return "source.coverage.open" if troubled else "source.coverage.clean"


def _exposure(connection: Connection, log: LogId, size: int, key: str) -> Exposure | None:
    window = lately(connection, log.number, size, key, EXPOSURE_SAMPLE)
    if window.median_us is None or window.longest_us is None:
        return None
    return Exposure(
        records=window.records,
        median=duration(window.median_us),
        longest=duration(window.longest_us),
        negative=window.negative,
    )
