"""The last verification run of each log: to which entry, when, with which levels, and what is not built."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import parse_utc
from ledger.integrity.kinds import LevelVerdict, Verdict, Verification
from ledger.integrity.levels import LEVELS
from ledger.integrity.tables import verification
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, ago, moment
from ledger.store.position import index_of, pos_of
from ledger.store.reading import LogReader
from ledger.web.views.common import Scope, entry_line

_STATES = {Verdict.HOLDS: State.HOLDS, Verdict.FAILS: State.FAILS}


class ShownFault(msgspec.Struct, frozen=True, kw_only=True):
    """The first bad entry that a level found: what is wrong, and where."""

    text: str
    log: str
    index: int


class LogRun(msgspec.Struct, frozen=True, kw_only=True):
    """The last run of a log, in one sentence; without one, `index` and `ended` are None.

    `held`: when a run held last, where this one does not. `faults` name the first bad entry of each level.
    """

    log: LogId
    state: State
    sentence: str
    index: int | None = None
    ended: Moment | None = None
    age: str = ""
    held: Moment | None = None
    faults: tuple[ShownFault, ...] = ()


class LevelCell(msgspec.Struct, frozen=True, kw_only=True):
    """What the last run of one log says of a level; `verdict` tells "not run" from "not built yet"."""

    log: str
    state: State
    verdict: str


class LevelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A level: what it proves, what of it is open, and what the last run of each log says of it."""

    number: int
    proves: str
    open: str
    cells: tuple[LevelCell, ...]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """All logs' last runs; `levels` is empty where no run was made yet."""

    runs: tuple[LogRun, ...]
    levels: tuple[LevelRow, ...]


def verified_view(scope: Scope, connection: Connection, logs: Sequence[LogId], now: int) -> Verified:
    """Reads the last verification run of each of these logs."""
    runs: list[LogRun] = []
    bodies: dict[str, Verification] = {}
    for log in logs:
        row = verification.c
        mine = (row.pos >= pos_of(log.number, 0), row.pos < pos_of(log.number + 1, 0))
        last = connection.scalar(select(row.pos).where(*mine).order_by(row.pos.desc()).limit(1))
        reader = LogReader(connection, log.number)
        line = None if last is None else entry_line(scope, reader.entry(index_of(last)), reader)
        if last is None or line is None or not isinstance(line.body, Verification):
            runs.append(LogRun(log=log, state=State.UNKNOWN, sentence=message("verified.never", log=log.name)))
            continue
        held = select(row.ended_us).where(*mine, row.holds == 1).order_by(row.pos.desc()).limit(1)
        runs.append(show_run(scope, log, index_of(last), line.body, now, connection.scalar(held)))
        bodies[log.name] = line.body
    return Verified(runs=tuple(runs), levels=show_levels(bodies))


def show_run(scope: Scope, log: LogId, index: int, run: Verification, now: int, held_us: int | None) -> LogRun:
    """A run as the page shows it; `held_us`: when a run of the log held last."""
    ended = parse_utc(run.ended_at)
    failed = any(level.verdict is Verdict.FAILS for level in run.levels)
    state = State.HOLDS if run.holds else State.FAILS if failed else State.UNKNOWN
    key = "verified.whole" if run.low == 0 else "verified.part"
    return LogRun(
        log=log,
        state=state,
        sentence=message(key, log=log.name, low=run.low, high=run.size - 1),
        index=index,
        ended=moment(ended, scope.zone),
        age=ago(ended, now),
        held=None if run.holds or held_us is None else moment(held_us, scope.zone),
        faults=tuple(_fault(scope, level) for level in run.levels if level.fault is not None),
    )


def show_levels(runs: dict[str, Verification]) -> tuple[LevelRow, ...]:
    """Each level with what the runs of these logs (by name) say of it; a level that a run leaves out was not run."""
    if not runs:
        return ()
    return tuple(
        LevelRow(
            number=level.number,
            proves=level.proves,
            open=level.open if level.built else "",
            cells=tuple(_cell(name, run, level.number) for name, run in runs.items()),
        )
        for level in LEVELS
    )


def _cell(log: str, run: Verification, number: int) -> LevelCell:
    verdict = next((level.verdict for level in run.levels if level.level == number), Verdict.NOT_RUN)
    return LevelCell(log=log, state=_STATES.get(verdict, State.UNKNOWN), verdict=message(f"verdict.{verdict.value}"))


def _fault(scope: Scope, level: LevelVerdict) -> ShownFault:
    assert level.fault is not None
    fault = level.fault
    name = next((log.name for log in scope.logs if log.number == fault.log), str(fault.log))
    text = message("verified.fault", level=level.level, log=name, what=one_line(fault.what, 300))
    return ShownFault(text=text, log=name, index=fault.index)
