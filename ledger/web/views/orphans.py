"""What critical equipment did that belongs to no batch, with the batches that had the equipment before and after."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from ledger.core.clock import MICROSECONDS, utc_text
from ledger.core.errors import LedgerError
from ledger.core.record import LinkKind
from ledger.present.inert import inert, one_line
from ledger.present.messages import message
from ledger.present.sentences import record_sentence
from ledger.present.times import Moment, moment, parse_local
from ledger.present.values import Pieces
from ledger.sources.covering import require_interval
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.trace.assets import Assets
from ledger.trace.bodies import bodies
from ledger.trace.orphans import Neighbour, orphans
from ledger.web.views.common import Scope, number_asked
from ledger.web.views.marks import Marked, shown_marks
from ledger.web.views.urls import trace_url

ROWS: Final = 100
WEEK_US: Final = 7 * 86_400 * MICROSECONDS
_MEMBERS: Final = ("log", "from", "to", "size", "after")


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that had the equipment, where it is traced, and the entry that ended or began that."""

    batch: str
    url: str
    entry: int


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record in no batch. `marks`: entered by hand, corrected, excluded."""

    index: int
    at: Moment
    equipment: str
    sentence: Pieces
    before: Beside | None
    after: Beside | None
    marks: Marked


class OrphansView(msgspec.Struct, frozen=True, kw_only=True):
    """The page; with `errors` nothing was read. `critical`: how many assets the map ever calls critical."""

    asked: dict[str, str]
    log: str
    logs: tuple[str, ...]
    size: int
    errors: dict[str, str]
    begin: Moment | None = None
    end: Moment | None = None
    critical: int = 0
    rows: tuple[Row, ...] = ()
    next: str | None = None


def orphans_view(scope: Scope, connection: Connection, parameters: Mapping[str, str]) -> OrphansView:
    """From `from` to before `to`, in site time; of the last week if neither is given."""
    asked = {name: value for name in _MEMBERS if (value := parameters.get(name, "").strip())}
    log, errors = scope.record_log(asked.get("log")), dict[str, str]()
    logs = tuple(one.name for one in scope.logs if one.number != SYSTEM_LOG)
    head = LogReader(connection, log.number).head().size
    size = number_asked(asked, "size", head, errors)
    after = number_asked(asked, "after", size - 1, errors) if "after" in asked else None
    low = high = 0
    begin = end = None
    try:
        high = parse_local(asked["to"], scope.zone) if "to" in asked else scope.clock.now_us()
        low = parse_local(asked["from"], scope.zone) if "from" in asked else high - WEEK_US
        require_interval(low, high)
        begin, end = moment(low, scope.zone), moment(high, scope.zone)
    except (LedgerError, OverflowError) as error:
        said = error.message if isinstance(error, LedgerError) else message("time.advice")
        errors["from"] = inert(said)
    if errors:
        return OrphansView(asked=asked, log=log.name, logs=logs, size=head, errors=errors)
    critical = len(Assets(connection, log.number, size).ever_critical())
    found = orphans(connection, log.number, size, low, high, after, ROWS)
    indices = [one.index for one in found.orphans]
    told = dict(bodies(connection, log.number, indices))
    marks = shown_marks(connection, scope.logs, log, indices, size)
    given = {"log": log.name, "from": utc_text(low), "to": utc_text(high), "size": size, "after": found.next_after}
    return OrphansView(
        asked=asked,
        log=log.name,
        logs=logs,
        size=size,
        errors={},
        begin=begin,
        end=end,
        critical=critical,
        rows=tuple(
            Row(
                index=one.index,
                at=moment(one.at_us, scope.zone),
                equipment=one_line(one.equipment),
                sentence=record_sentence(told[one.index].record),
                before=_beside(log.name, one.before),
                after=_beside(log.name, one.after),
                marks=marks.get(one.index, ()),
            )
            for one in found.orphans
        ),
        next=None if found.next_after is None else "/orphans?" + urlencode(given),
    )


def _beside(log: str, one: Neighbour | None) -> Beside | None:
    if one is None:
        return None
    return Beside(batch=one_line(one.batch), url=trace_url(log, LinkKind.BATCH, one.batch), entry=one.entry)
