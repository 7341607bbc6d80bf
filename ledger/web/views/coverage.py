"""Coverage of a log's sources over an interval: a lane a source, as a picture and as a table that says the same."""

from collections.abc import Mapping
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.clock import MICROSECONDS
from ledger.core.errors import LedgerError
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, duration, moment, parse_local
from ledger.sources import tables as t
from ledger.sources.coverage import Coverage
from ledger.sources.covering import Covered, Stretch, cover, require_interval
from ledger.store.reading import LogReader
from ledger.web.views.common import Scope

WIDTH: Final = 1000
"""Units of a lane's picture."""
LISTED: Final = 200
"""Stretches of a source that are listed and drawn; all are counted."""
WEEK_US: Final = 7 * 86_400 * MICROSECONDS
_STATES: Final = {Coverage.COVERED: State.HOLDS, Coverage.UNREACHABLE: State.FAILS, Coverage.GAP: State.FAILS}


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch as a bar, `x` and `width` in units of the lane; `run` is the entry that says so first."""

    x: float
    width: float
    state: Coverage
    words: str
    begin: Moment
    end: Moment
    length: str
    reason: str
    run: int | None


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A source's time. `open` are the stretches that are not covered; `hidden` of all were left out."""

    source: str
    title: str
    state: State
    bars: tuple[Bar, ...]
    open: tuple[Bar, ...]
    sums: tuple[str, ...]
    hidden: int
    error: str = ""


class CoverageView(msgspec.Struct, frozen=True, kw_only=True):
    """The page: the interval as it was asked for, in site time, and a lane for each source. `error`: it was none."""

    log: str
    logs: tuple[str, ...]
    size: int
    since: str
    until: str
    begin: Moment | None
    end: Moment | None
    lanes: tuple[Lane, ...]
    error: str = ""


def coverage_view(
    scope: Scope, connection: Connection, log: LogId, logs: tuple[str, ...], asked: Mapping[str, str]
) -> CoverageView:
    """What is known of each source's time from `from` to before `to`, of the last week if none is asked for."""
    size = LogReader(connection, log.number).head().size
    now_us = scope.clock.now_us()
    since, until = asked.get("from", "").strip(), asked.get("to", "").strip()
    try:
        high = parse_local(until, scope.zone) if until else now_us
        low = parse_local(since, scope.zone) if since else high - WEEK_US
        require_interval(low, high)
        begin, end = moment(low, scope.zone), moment(high, scope.zone)
    except (LedgerError, OverflowError) as error:
        said = error.message if isinstance(error, LedgerError) else message("time.advice")
        return CoverageView(
            log=log.name, logs=logs, size=size, since=since[:40], until=until[:40], begin=None, end=None, lanes=(),
            error=inert(said),
        )  # fmt: skip
    row = t.source.c
    sources = connection.execute(
        select(row.key, row.title).where(row.log == log.number, row.to_index.is_(None)).order_by(row.key)
    ).all()
    return CoverageView(
        log=log.name,
        logs=logs,
        size=size,
        since=since,
        until=until,
        begin=begin,
        end=end,
        lanes=tuple(_lane(scope, connection, log, size, one.key, one.title, (low, high)) for one in sources),
    )


def _lane(
    scope: Scope, connection: Connection, log: LogId, size: int, source: str, title: str, span: tuple[int, int]
) -> Lane:
    try:
        found = cover(connection, scope.kinds, log.number, size, source, *span)
    except LedgerError as error:
        return Lane(
            source=source, title=one_line(title), state=State.FAILS, bars=(), open=(), sums=(), hidden=0,
            error=inert(error.message),
        )  # fmt: skip
    bars = tuple(_bar(scope, one, span) for one in found.stretches[:LISTED])
    return Lane(
        source=source,
        title=one_line(title),
        state=_state(found),
        bars=bars,
        open=tuple(one for one in bars if one.state is not Coverage.COVERED),
        sums=tuple(
            message("coverage.sum", state=message(f"coverage.{state.value}"), length=duration(length))
            for state, length in found.lengths.items()
            if length
        ),
        hidden=max(0, len(found.stretches) - LISTED),
    )


def _state(found: Covered) -> State:
    if found.whole:
        return State.HOLDS
    failing = any(_STATES.get(one.state) is State.FAILS for one in found.stretches)
    return State.FAILS if failing else State.UNKNOWN


def _bar(scope: Scope, one: Stretch, span: tuple[int, int]) -> Bar:
    low, high = span
    scale = WIDTH / (high - low)
    return Bar(
        x=round((one.low_us - low) * scale, 2),
        # What is too short to be seen is drawn all the same.
        width=round(max(1.0, (one.high_us - one.low_us) * scale), 2),
        state=one.state,
        words=message(f"coverage.{one.state.value}"),
        begin=moment(one.low_us, scope.zone),
        end=moment(one.high_us, scope.zone),
        length=duration(one.high_us - one.low_us),
        reason=one_line(one.reason),
        run=None if one.runs is None else one.runs[0],
    )
