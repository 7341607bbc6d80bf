"""Verification as the rest of Trailseal asks for it: run it now, as a job, see the last result and the history."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec
import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError

from ledger.core import canonical
from ledger.core.address import LogId
from ledger.core.authority import Authority
from ledger.core.clock import utc_text
from ledger.core.entry import decode_leaf, draft
from ledger.core.errors import IntegrityError, LedgerError
from ledger.core.hashing import b64, body_commitment
from ledger.core.outside import NOTHING, FromOutside
from ledger.integrity.fault import Fault
from ledger.integrity.kinds import FaultFound, Judged, LevelVerdict, Verdict, Verification, Verification2
from ledger.integrity.level3 import log_keys
from ledger.integrity.levels import BUILT, LEVELS
from ledger.integrity.recounted import Recounts, nothing
from ledger.integrity.run import Found, LogRun, PastDamage, Progress, Runner, Stand
from ledger.integrity.scope import Keys
from ledger.integrity.tables import verification
from ledger.integrity.tasks import Assembly, Here, Processes, verification_engine
from ledger.jobs.frame import Context
from ledger.store.logs import choose
from ledger.store.position import index_of, pos_of
from ledger.store.projections import hold_live
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trust.rollback import Standing

SCHEDULE: Final = Authority(actor="service:verification", authenticated=False)
"""On whose authority a run is that nobody asked for."""

KnownDamage = Callable[[Connection, LogId], PastDamage]
"""Gives what epochs know of a log's damage, in a snapshot."""

_CONNECTIONS: Final = 2
_LOOK_BACK: Final = 100
"""Runs that held, of which the last of each sort is looked for: without one of a sort among them, all is verified."""
_BY_OUTSIDE: Final = frozenset({3, 5})
"""Levels that what a verifier brings along takes part in."""
ALLEGED: Final = "by what was brought along alone: no incident case was opened"


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to verify. Without `log` every log. `full` false: only what was appended since the last run that held."""

    log: str | None = None
    full: bool = True
    levels: tuple[int, ...] = BUILT
    columns: bool = False


class VerificationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one run over one log, as its entry (`index`) states it.

    `alleged`: levels that fail by what was brought along alone, and hold by all that the ledger itself has.
    """

    log: LogId
    index: int
    result: Verification
    alleged: tuple[int, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether every level that was run holds, and level 1 was."""
        return self.result.holds

    @property
    def fault(self) -> Fault | None:
        """The first bad entry, of the lowest level that fails."""
        for level in self.result.levels:
            if level.fault is not None:
                one = level.fault
                return Fault(log=one.log, index=one.index, table=one.table, column=one.column, what=one.what)
        return None

    @property
    def summary(self) -> str:
        """The result in a line: what holds, what is not built or was not run, and the first bad entry."""
        said = [f"level {level.level} {level.verdict.value}" for level in self.result.levels]
        fault = self.fault
        return "; ".join([*said, *([] if fault is None else [str(fault)])])


class Verifier:
    """Verifies the logs of one ledger. Safe to use from several threads; close it to give its connections back."""

    def __init__(
        self,
        store: Store,
        assembly: Assembly,
        mac: Callable[[bytes], bytes],
        workers: int = 1,
        rollback: Callable[[Connection, LogId, FromOutside], Standing] | None = None,
        keys: Callable[[Connection], Keys] | None = None,
        faulty: Callable[[Iterable[Fault], Callable[[int], None]], str | None] = lambda faults, pulse: None,
        known: KnownDamage | None = None,
        recount: Recounts = nothing,
    ) -> None:
        """`mac` is a keyed digest (HMAC-SHA-256) that authenticates where an interrupted job stood; `workers` above 1
        verify in processes of their own; `rollback` asks witnesses how much of a log they have seen (level 5); `keys`
        are the logs' keys, if they are pinned outside of the log. `faulty` is told what does not hold before the result
        is entered: it opens the case. `known`: the damage that epochs name. `recount`: holds what entries say of others
        against these, in level 2.
        """
        self._store = store
        self._assembly = assembly
        self._mac = mac
        self._workers = workers
        self._rollback = rollback
        self._keys = keys or (lambda connection: log_keys(connection, store.kinds))
        self._faulty = faulty
        self._known = known
        self._recount = recount
        self._log = structlog.get_logger("ledger.integrity")
        self._engine = verification_engine(store.readers.url, _CONNECTIONS)

    def run(
        self,
        log: LogId,
        *,
        full: bool = True,
        levels: tuple[int, ...] = BUILT,
        columns: bool = False,
        authority: Authority = SCHEDULE,
        progress: Progress = lambda level, done, total: None,
        reached: Stand | None = None,
        save: Callable[[Stand], None] = lambda stand: None,
        outside: FromOutside = NOTHING,
    ) -> VerificationReport:
        """Verifies a log and enters the result in it; returns once that is durable.

        `progress` may raise to stop the run; nothing is entered then. `reached`: where an interrupted run stood.
        `outside`: the logs' keys, whom to ask of their age, and cards, as whoever verifies has them. What fails by
        these alone opens no case: a mistyped or a false card would (`alleged`).
        """
        begun = self._store.clock.now_us()
        start, judged = (None, None) if full else self._last_stands(log)
        with self._runner() as runner:
            run = self._log_run(log, runner, self._known, outside)
            found = run.verify(levels, start, reached, columns, progress, save, judged)
            own = self._own_faults(log, runner, found, outside)
        alleged = tuple(one.level for one in found.levels if one.fault is not None and own.get(one.level) is None)
        self._open_case(
            [fault for fault in own.values() if fault is not None],
            lambda _: progress(found.levels[-1].level, found.size, found.size),
        )
        result = Verification2(
            log=log.number,
            low=found.low,
            size=found.size,
            root=found.root,
            started_at=utc_text(begun),
            ended_at=utc_text(self._store.clock.now_us()),
            levels=tuple(_verdicts(found, alleged)),
            authority=authority,
            judged=found.judged,
        )
        index = self._store.append_one(log.number, draft(result)).index
        return VerificationReport(log=log, index=index, result=result, alleged=alleged)

    def _own_faults(self, log: LogId, runner: Runner, found: Found, outside: FromOutside) -> dict[int, Fault | None]:
        """What each level finds without what was brought along."""
        own = {one.level: one.fault for one in found.levels}
        failed = [one.level for one in found.levels if one.fault is not None and one.level in _BY_OUTSIDE]
        if outside != NOTHING and failed:
            again = self._log_run(log, runner, self._known).verify(failed, None, None, False, _silent, _forgets)
            own |= {one.level: one.fault for one in again.levels}
        return own

    def look(
        self,
        log: LogId,
        known: KnownDamage | None,
        levels: tuple[int, ...],
        outside: FromOutside = NOTHING,
        *,
        full: bool = True,
    ) -> Fault | None:
        """The first fault of a run that this damage does not explain; nothing is entered."""
        start, judged = (None, None) if full else self._last_stands(log)
        with self._runner() as runner:
            run = self._log_run(log, runner, known, outside)
            found = run.verify(levels, start, None, False, _silent, _forgets, judged)
        return next((level.fault for level in found.levels if level.fault is not None), None)

    def _log_run(self, log: LogId, runner: Runner, known: KnownDamage | None, outside: FromOutside = NOTHING) -> LogRun:
        kinds, projections = self._store.kinds, self._store.projections
        return LogRun(
            self._reading, runner, kinds, projections, log, self._keys, self._rollback, known, outside, self._recount
        )

    def last(self, log: LogId, at_most: int | None = None) -> int | None:
        """The entry of the last run over a log (before a size, if given); None if there was none."""
        pos = verification.c.pos
        high = pos_of(log.number + 1, 0) if at_most is None else pos_of(log.number, at_most)
        query = select(pos).where(pos >= pos_of(log.number, 0), pos < high).order_by(pos.desc()).limit(1)
        with self._store.reading() as connection:
            found = connection.scalar(query)
        return None if found is None else index_of(found)

    def history(self, log: LogId, before: int | None = None, limit: int = 50) -> list[VerificationReport]:
        """The runs over a log, newest first, as their entries state them."""
        pos = verification.c.pos
        high = pos_of(log.number + 1, 0) if before is None else pos_of(log.number, before)
        query = select(pos).where(pos >= pos_of(log.number, 0), pos < high).order_by(pos.desc()).limit(limit)
        with self._store.reading() as connection:
            indices = [index_of(one) for one in connection.scalars(query)]
            return [VerificationReport(log=log, index=i, result=self._read(connection, log, i)) for i in indices]

    def work(self, context: Context) -> str:
        """The handler of jobs whose parameters are a `Plan`: each log in turn, resumable; its result lists the entries.

        Returns `{"holds": …, "entries": [[log, index], …], "summary": …}`.
        """
        plan = msgspec.json.decode(context.job.parameters, type=Plan)
        logs = self._store.logs()
        chosen = logs if plan.log is None else [choose(logs, plan.log)]
        cursor = self._open(context)
        for log in chosen:
            if any(number == log.number for number, _ in cursor.entries):
                continue

            def progress(level: int, done: int, total: int, name: str = log.name) -> None:
                context.progress(done, max(done, total), f"entries of {name}, level {level}")

            def save(stand: Stand, done: _Cursor = cursor) -> None:
                state = msgspec.structs.replace(done, stand=stand)
                context.progress(stand.size, stand.size, f"entries, level {stand.level}", self._seal(context, state))

            report = self.run(
                log,
                full=plan.full,
                levels=plan.levels,
                columns=plan.columns,
                progress=progress,
                reached=cursor.stand,
                save=save,
            )
            cursor = _Cursor(
                entries=(*cursor.entries, (log.number, report.index)),
                holds=cursor.holds and report.holds,
                summary=(*cursor.summary, f"{log.name}: {report.summary}"),
            )
            context.progress(report.result.size, report.result.size, "entries", self._seal(context, cursor))
        answer = {"holds": cursor.holds, "entries": cursor.entries, "summary": "\n".join(cursor.summary)}
        return msgspec.json.encode(answer).decode()

    def close(self) -> None:
        """Closes the verifier's own connections."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            hold_live(connection)
            yield connection

    @contextmanager
    def _runner(self) -> Iterator[Runner]:
        if self._workers == 1:
            yield Here(self._reading, self._store.kinds, self._store.projections)
            return
        processes = Processes(self._engine.url, self._assembly, self._workers)
        try:
            yield processes
        finally:
            processes.close()

    def _open_case(self, faults: Sequence[Fault], pulse: Callable[[int], None]) -> None:
        if not faults:
            return
        try:
            self._faulty(faults, pulse)
        except (LedgerError, DBAPIError, OSError) as error:
            # The result has to be entered all the same: the next run tries again.
            self._log.error("no incident case was entered", error=str(error), fault=str(faults[0]))

    def _read(self, connection: Connection, log: LogId, index: int) -> Verification:
        """A result as its entry states it, checked against its leaf; raises IntegrityError."""
        stored = LogReader(connection, log.number).entry(index)
        leaf = decode_leaf(stored.leaf)
        if stored.salt is None or stored.body is None or b64(body_commitment(stored.salt, stored.body)) != leaf.body:
            raise IntegrityError(f"entry {index} of log {log.name} is not what its leaf commits to")
        body = self._store.kinds[leaf.kind].decode(stored.body)
        if not isinstance(body, Verification):
            raise IntegrityError(f"the history of verification names entry {index} of log {log.name}, which is not one")
        return body

    def _last_stands(self, log: LogId) -> tuple[Stand | None, Judged | None]:
        """Where the last run stood over which levels 1 and 2 held, and how far the last has judged over which level 3
        held too; None: there was none, everything is verified.
        """
        table = verification.c
        query = (
            select(table.pos)
            .where(table.pos >= pos_of(log.number, 0), table.pos < pos_of(log.number + 1, 0), table.holds == 1)
            .order_by(table.pos.desc())
            .limit(_LOOK_BACK)
        )
        start: Stand | None = None
        with self._store.reading() as connection:
            for pos in connection.scalars(query):
                result = self._read(connection, log, index_of(pos))
                held = {level.level for level in result.levels if level.verdict is Verdict.HOLDS}
                if not {1, 2} <= held or result.root is None or not result.size:
                    continue
                start = start or Stand(level=2, size=result.size, root=result.root)
                if isinstance(result, Verification2) and result.judged is not None:
                    return start, result.judged
        return start, None

    def _seal(self, context: Context, cursor: "_Cursor") -> str:
        state = canonical.encode_struct(cursor)
        return msgspec.json.encode(_Sealed(state=state, mac=self._mac(_bound(context, state)))).decode()

    def _open(self, context: Context) -> "_Cursor":
        """Where the job stood; from the start where that is not what this ledger's verifier sealed for this job."""
        try:
            sealed = msgspec.json.decode(context.job.cursor, type=_Sealed)
            if self._mac(_bound(context, sealed.state)) == sealed.mac:
                return msgspec.json.decode(sealed.state, type=_Cursor)
        except msgspec.DecodeError:
            pass
        return _Cursor()


class _Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """Where a job stands: the entries of the logs that are done, and how far the next one is."""

    entries: tuple[tuple[int, int], ...] = ()
    holds: bool = True
    summary: tuple[str, ...] = ()
    stand: Stand | None = None


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    state: bytes
    mac: bytes


def _bound(context: Context, state: bytes) -> bytes:
    job = context.job
    return b"trailseal/verification-cursor/v1\n%d %s\n%b" % (job.id, job.parameters.encode(), state)


def _silent(level: int, done: int, total: int) -> None:
    """Nobody is told of progress."""


def _forgets(stand: Stand) -> None:
    """Nobody goes on from there."""


def _verdicts(found: Found, alleged: Sequence[int] = ()) -> Iterator[LevelVerdict]:
    ran = {level.level: level for level in found.levels}
    for level in LEVELS:
        result = ran.get(level.number)
        fault = None
        if result is None:
            verdict = Verdict.NOT_RUN if level.built else Verdict.NOT_BUILT
        else:
            one = result.fault
            sound = Verdict.NOT_ASSESSABLE if result.unknown else Verdict.HOLDS
            verdict = sound if one is None else Verdict.FAILS
            if one is not None:
                # SQLAlchemy's names are a kind of str that no encoder takes.
                table, column = str(one.table), str(one.column)
                fault = FaultFound(log=one.log, index=one.index, table=table, column=column, what=one.what)
        yield LevelVerdict(
            level=level.number,
            verdict=verdict,
            entries=0 if result is None else result.entries,
            micros=0 if result is None else result.micros,
            open="; ".join(
                filter(
                    None,
                    (
                        level.open,
                        *(() if result is None else (result.left_out, result.unknown)),
                        ALLEGED if level.number in alleged else "",
                    ),
                )
            ),
            fault=fault,
        )
