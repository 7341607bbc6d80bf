"""What records are worth by source and attribute, in numbers that open their records."""

from collections.abc import Callable, Mapping
from itertools import groupby
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from sqlalchemy import Connection

from ledger.core.assessment import Attribute, Tally
from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError
from ledger.present.inert import inert
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment
from ledger.present.values import Pieces
from ledger.review.alcoa.attributes import Result
from ledger.review.alcoa.runs import entered, judged_to
from ledger.review.alcoa.totals import Days, Total, assessed_sources, behind, last_day, totals
from ledger.review.known.days import Period, day_text
from ledger.store.logs import SYSTEM_LOG
from ledger.store.reading import LogReader
from ledger.web.views.alcoa import STATES
from ledger.web.views.common import Scope, entry_line, number_asked
from ledger.web.views.marks import Marked, shown_marks

SHOWN_DAYS: Final = 31
"""Days up to the last one that was assessed, where none are asked for."""
ROWS: Final = 300
RECORDS: Final = 100
_MEMBERS: Final = ("source", "from", "to", "period", "size")
_ASKED_OF: Final = ("source", "attribute", "verdict", "from", "to", "after", "size")


class Number(msgspec.Struct, frozen=True, kw_only=True):
    """So many records in that state, and where they are."""

    state: State
    words: str
    count: int
    url: str


class HeatCell(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute of a row: the numbers that are not 0."""

    attribute: str
    numbers: tuple[Number, ...]


class HeatRow(msgspec.Struct, frozen=True, kw_only=True):
    """A source over the days from `first` to `last`."""

    source: str
    first: str
    last: str
    cells: tuple[HeatCell, ...]


class HeatView(msgspec.Struct, frozen=True, kw_only=True):
    """The page; with `error` nothing was read. `hidden`: rows that are left out; `judged_to`: up to which size a run
    that ended had judged, 0: none has; `ran`: the newest entry of a run, and as of when it judged.
    """

    log: str
    logs: tuple[str, ...]
    size: int
    asked: dict[str, str]
    error: str = ""
    attributes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    rows: tuple[HeatRow, ...] = ()
    hidden: int = 0
    judged_to: int = 0
    ran: tuple[int, Moment] | None = None


def heat_view(scope: Scope, connection: Connection, name: str, parameters: Mapping[str, str]) -> HeatView:
    """The totals of the days from `from` to `to`, of the last that were assessed if neither is given."""
    asked = {key: value for key in _MEMBERS if (value := parameters.get(key, "").strip())}
    log, errors = scope.record_log(name), dict[str, str]()
    logs = tuple(one.name for one in scope.logs if one.number != SYSTEM_LOG)
    head = LogReader(connection, log.number).head().size
    size = number_asked(asked, "size", head, errors)
    if "from" not in asked and "to" not in asked:
        last = last_day(connection, log.number, size)
        if last is not None:
            asked |= {"from": day_text(last - SHOWN_DAYS + 1), "to": day_text(last)}
    days, period = Days(), None
    try:
        days = Days.read(asked.get("from"), asked.get("to"))
        period = Period(asked["period"]) if "period" in asked else None
    except LedgerError as error:
        errors["from"] = inert(error.message)
    except ValueError:
        errors["period"] = message("alcoa.no-period")
    if errors:
        return HeatView(log=log.name, logs=logs, size=head, asked=asked, error="; ".join(errors.values()))
    found = totals(connection, log.number, size, days, period, asked.get("source"))
    rows = [
        HeatRow(
            source=source,
            first=first,
            last=last_,
            cells=tuple(_cell(log.name, size, one) for one in of_row),
        )
        for (source, first, last_), of_row in groupby(found, key=lambda one: (one.source, one.first, one.last))
    ]
    newest = entered(connection, log.number, size, 1)
    return HeatView(
        log=log.name,
        logs=logs,
        size=size,
        asked=asked,
        attributes=tuple(_attribute(one) for one in Attribute),
        sources=tuple(assessed_sources(connection, log.number, size)),
        rows=tuple(rows[:ROWS]),
        hidden=max(0, len(rows) - ROWS),
        judged_to=judged_to(connection, log.number, size),
        ran=(newest[0][0], moment(parse_utc(newest[0][1].at), scope.zone)) if newest else None,
    )


class BehindRow(msgspec.Struct, frozen=True, kw_only=True):
    """A record behind a number: what fails or is missing, and the assessment that says so. `marks`: entered by hand,
    corrected, excluded.
    """

    index: int
    day: str
    sentence: Pieces
    why: str
    assessment: int
    marks: Marked


class BehindView(msgspec.Struct, frozen=True, kw_only=True):
    """The records behind a number; with `error` nothing was read."""

    log: str
    size: int
    source: str = ""
    attribute: str = ""
    state: State = State.UNKNOWN
    result: str = ""
    first: str = ""
    last: str = ""
    error: str = ""
    back: str = ""
    rows: tuple[BehindRow, ...] = ()
    next: str | None = None


def behind_view(scope: Scope, connection: Connection, name: str, parameters: Mapping[str, str]) -> BehindView:
    """The records that a number of the totals counts, a page at a time."""
    asked = {key: value for key in _ASKED_OF if (value := parameters.get(key, "").strip())}
    log, errors = scope.record_log(name), dict[str, str]()
    reader = LogReader(connection, log.number)
    size = number_asked(asked, "size", reader.head().size, errors)
    if errors:
        return BehindView(log=log.name, size=size, error="; ".join(errors.values()))
    try:
        attribute, result = Attribute(asked.get("attribute", "")), Result(asked.get("verdict", ""))
        days, after = Days.read(asked.get("from"), asked.get("to")), asked.get("after")
        source = asked.get("source", "")
        page = behind(connection, log.number, size, source, attribute, result, days, after, RECORDS)
    except LedgerError as error:
        return BehindView(log=log.name, size=size, error=inert(error.message))
    except ValueError:
        return BehindView(log=log.name, size=size, error=message("alcoa.no-number"))
    indices = [one.index for one in page.records]
    stored = {one.index: one for one in reader.chosen(indices)}
    marks = shown_marks(connection, scope.logs, log, indices, size)
    rows = tuple(
        BehindRow(
            index=one.index,
            day=one.day,
            sentence=entry_line(scope, stored[one.index], reader).sentence,
            why="" if one.code is None else message(f"alcoa.code.{one.code}"),
            assessment=one.assessment,
            marks=marks.get(one.index, ()),
        )
        for one in page.records
    )
    span = {"from": asked.get("from"), "to": asked.get("to"), "size": str(size)}
    further = None if page.next_after is None else records_url(log.name, **asked | span | {"after": page.next_after})
    return BehindView(
        log=log.name,
        size=size,
        source=source,
        attribute=_attribute(attribute),
        state=STATES[result],
        result=message(f"alcoa.result.{result.value}"),
        first=asked.get("from", ""),
        last=asked.get("to", ""),
        back=f"/alcoa/{quote(log.name)}?" + urlencode({key: value for key, value in span.items() if value}),
        rows=rows,
        next=further,
    )


def records_url(log: str, **given: str | None) -> str:
    """Where the records behind a number are."""
    return f"/alcoa/{quote(log)}/records?" + urlencode({key: value for key, value in given.items() if value})


def _cell(log: str, size: int, total: Total) -> HeatCell:
    given = {"source": total.source, "from": total.first, "to": total.last, "size": str(size)}
    return heat_cell(total, lambda **number: records_url(log, **given, **number))


def heat_cell(of: Total | Tally, url: Callable[..., str]) -> HeatCell:
    """An attribute's numbers; `url` is given `attribute` and `verdict` of each."""
    counts = {Result.HOLDS: of.passed, Result.FAIL: of.failed, Result.NOT_ASSESSABLE: of.open}
    return HeatCell(
        attribute=_attribute(of.attribute),
        numbers=tuple(
            Number(
                state=STATES[result],
                words=message(f"alcoa.result.{result.value}"),
                count=count,
                url=url(attribute=of.attribute.value, verdict=result.value),
            )
            for result, count in counts.items()
            if count
        ),
    )


def _attribute(attribute: Attribute) -> str:
    return message(f"alcoa.attribute.{attribute.value}")
