"""What belongs to a batch, an order, a lot or anything else that links name: why each record does, what it occupied,
what is expected of it, and when it all happened.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Final
from urllib.parse import urlencode

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.clock import utc_text
from ledger.core.errors import InvalidEntry, PurposeRequired
from ledger.core.looks import looked
from ledger.core.record import LinkKind
from ledger.integrity.incidents.standing import answered
from ledger.present.belonging import why_text
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.sentences import record_sentence
from ledger.present.states import State
from ledger.present.times import Moment, in_full, moment, parse_local
from ledger.present.values import Pieces
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.store.as_of import AtCheckpoint, checkpoint_of
from ledger.store.logs import SYSTEM_LOG
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.trace.bodies import bodies, placed
from ledger.trace.genealogy import MAX_DEPTH, outward
from ledger.trace.lanes import MAX_MARKS, timeline
from ledger.trace.partners import Partner, Partners, PartnerState, partners
from ledger.trace.selection import Basis, ByBatch, Chosen, Selected
from ledger.trace.windows import Occupation
from ledger.web.views.common import Allow, Scope, number_asked
from ledger.web.views.genealogy import GenealogyView, genealogy_view
from ledger.web.views.marks import ShownMark, shown_marks
from ledger.web.views.timeline import TimelineView, timeline_view
from ledger.web.views.urls import trace_url

ROWS: Final = 100
NAMED: Final = 10
"""Records of an expected step that are named; all are counted."""
DEPTH: Final = 1
"""Steps outward, where none are asked for."""
MAX_ID: Final = 1000
_MEMBERS: Final = ("log", "kind", "id", "size", "after", "from", "to", "depth", "purpose")
_STATES: Final = {PartnerState.THERE: State.HOLDS, PartnerState.MISSING: State.FAILS}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A record that belongs: between which moments it happened (`until` where that is an interval), and why.

    `marks`: entered by hand, corrected, excluded.
    """

    index: int
    begin: Moment | None
    until: Moment | None
    source: str
    sentence: Pieces
    basis: Basis
    why: str
    marks: tuple[ShownMark, ...]


class OccupationRow(msgspec.Struct, frozen=True, kw_only=True):
    """It had the equipment; what happened from `begin` to `end` belongs to it, with the time that `rule` adds."""

    equipment: str
    url: str
    started_by: int
    stopped_by: int | None
    begin: Moment
    end: Moment | None
    rule: int | None
    led_by: int | None
    tailed_by: int | None


class PartnerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is expected; `unknown`: the time of the source's for which it cannot be told."""

    step: str
    wanted: str
    source: str
    state: State
    words: str
    count: int
    records: tuple[int, ...]
    unknown: tuple[Moment, Moment] | None


class TraceView(msgspec.Struct, frozen=True, kw_only=True):
    """The page. With `errors` (member → what is wrong), or where nothing was asked for, nothing was read.

    `first`: this is the first page, with all but the members whole. `incident`: the open case for which the answer is
    unknown; `entered`: what is entered before it is shown. `depths`: where what hangs together is shown so many steps
    outward.
    """

    asked: dict[str, str]
    log: str
    logs: tuple[str, ...]
    size: int
    errors: dict[str, str]
    answered: bool = False
    first: bool = True
    rows: tuple[Row, ...] = ()
    next: str | None = None
    occupations: tuple[OccupationRow, ...] = ()
    unmatched: tuple[int, ...] = ()
    undated: int = 0
    partners: tuple[PartnerRow, ...] = ()
    expected_by: int | None = None
    timeline: TimelineView | None = None
    graph: GenealogyView | None = None
    depths: tuple[tuple[int, str], ...] = ()
    depth: int = 0
    checkpoint: AtCheckpoint | None = None
    incident: str | None = None
    entered: Allowed | None = None


def trace_view(
    scope: Scope, open_reader: Callable[[LogId], LogReader], parameters: Mapping[str, str], allow: Allow
) -> TraceView:
    """Answers for the id that the parameters name; raises NotFound for a log that is not there, or has no records."""
    asked = {name: value for name in _MEMBERS if (value := parameters.get(name, "").strip())}
    logs = tuple(log.name for log in scope.logs if log.number != SYSTEM_LOG)
    log = scope.record_log(asked.get("log"))
    reader, errors = open_reader(log), dict[str, str]()
    head = reader.head().size
    size = number_asked(asked, "size", head, errors)
    after = number_asked(asked, "after", head, errors) if "after" in asked else None
    depth = number_asked(asked, "depth", MAX_DEPTH, errors) if "depth" in asked else DEPTH
    window = _window(asked, scope, errors)
    kind, id_ = asked.get("kind", LinkKind.BATCH.value), asked.get("id")
    if kind not in list(LinkKind):
        errors["kind"] = message("search.error.choice", text=one_line(kind, 40), choices=", ".join(LinkKind))
    if id_ is not None and (len(id_) > MAX_ID or "\0" in id_):
        errors["id"] = message("trace.no-id", most=MAX_ID)
    blank = TraceView(asked=asked, log=log.name, logs=logs, size=head, errors=errors)
    if errors or id_ is None:
        return blank
    query = Query(link_kind=LinkKind(kind), link_id=id_)
    purpose = Purpose(asked["purpose"]) if asked.get("purpose") in list(Purpose) else None
    try:
        entered = allow(reader, query, purpose)
    except PurposeRequired:
        errors["purpose"] = message("search.error.purpose")
        return blank
    return _answer(
        scope, reader, log, blank, ByBatch(kind=LinkKind(kind), id=id_), (size, after, window, depth), entered
    )


def _window(asked: Mapping[str, str], scope: Scope, errors: dict[str, str]) -> tuple[int, int] | None:
    """The part of the time that the timeline shows; None: all of it."""
    if "from" not in asked and "to" not in asked:
        return None
    bounds = []
    for name in ("from", "to"):
        try:
            bounds.append(parse_local(asked[name], scope.zone))
        except KeyError:
            errors[name] = message("trace.both")
        except InvalidEntry as error:
            errors[name] = f"{error.message}. {error.advice}"
        except OverflowError:
            errors[name] = message("time.advice")
    if len(bounds) == 2 and bounds[0] >= bounds[1]:
        errors["to"] = message("search.error.order")
    return None if errors else (bounds[0], bounds[1])


def _answer(
    scope: Scope,
    reader: LogReader,
    log: LogId,
    blank: TraceView,
    wanted: ByBatch,
    paging: tuple[int, int | None, tuple[int, int] | None, int],
    entered: Allowed | None,
) -> TraceView:
    size, after, window, depth = paging
    connection = reader.connection
    chosen = Chosen(connection, log.number, size, wanted)
    if after is None:
        found = list(islice(chosen, MAX_MARKS + 1))
        page = found[: ROWS + 1]
    else:
        found = page = chosen.page(after, ROWS)
    rows = tuple(_rows(scope, connection, log, size, page[:ROWS]))
    given = {"purpose": blank.asked.get("purpose")}
    url = trace_url(log.name, wanted.kind, wanted.id, size=size, **given)
    view = msgspec.structs.replace(
        blank,
        size=size,
        answered=True,
        first=after is None,
        rows=rows,
        next=f"{url}&after={rows[-1].index}" if len(page) > ROWS else None,
        checkpoint=checkpoint_of(connection, log, size),
        incident=answered(
            scope.standing, log.number, Query(link_kind=wanted.kind, link_id=wanted.id), [one.index for one in rows]
        ),
        entered=entered,
    )
    if after is not None:
        return view
    expected = Partners(rule=None, partners=())
    if wanted.kind is LinkKind.BATCH:
        expected = partners(connection, scope.kinds, log.number, size, chosen.named())
    graph = outward(connection, log.number, size, wanted.kind, wanted.id, depth)
    told = timeline(
        connection, scope.kinds, log.number, size, found,
        also=[one.wanted.source for one in expected.partners], within_us=window,
    )  # fmt: skip
    return msgspec.structs.replace(
        view,
        occupations=tuple(_occupation(scope, log.name, one) for one in chosen.occupations.intervals),
        unmatched=chosen.occupations.unmatched,
        undated=chosen.undated,
        partners=tuple(_partner(scope, one) for one in expected.partners),
        expected_by=expected.rule,
        timeline=timeline_view(
            scope, connection, log.number, told,
            entry=lambda index: f"/entries/{log.name}/{index}",
            closer=lambda low, high: f"{url}&{urlencode({'from': utc_text(low), 'to': utc_text(high)})}#timeline",
        ),
        graph=genealogy_view(scope, log.name, size, graph, depth),
        depths=tuple((steps, f"{url}&depth={steps}#graph") for steps in range(1, MAX_DEPTH + 1)),
        depth=depth,
    )  # fmt: skip


def _rows(scope: Scope, connection: Connection, log: LogId, size: int, page: list[Selected]) -> Iterator[Row]:
    indices, full = [one.index for one in page], partial(in_full, zone=scope.zone)
    read, marks = bodies(connection, log.number, indices), shown_marks(connection, scope.logs, log, indices, size)
    for one, (index, body) in zip(page, read, strict=True):
        place = placed(body)
        begin = None if place is None else moment(place.span.low_us, scope.zone)
        until = None
        if place is not None and place.span.high_us - place.span.low_us >= 1_000:
            until = moment(place.span.high_us, scope.zone)
        why = ""
        if one.why is not None:
            why = why_text(one.basis, one.why, looked(body), full, full)
        yield Row(
            index=index,
            begin=begin,
            until=until,
            source=one_line(body.record.source),
            sentence=record_sentence(body.record),
            basis=one.basis,
            why=why,
            marks=marks.get(index, ()),
        )


def _occupation(scope: Scope, log: str, one: Occupation) -> OccupationRow:
    return OccupationRow(
        equipment=one_line(one.equipment),
        url=trace_url(log, LinkKind.EQUIPMENT, one.equipment),
        started_by=one.start.index,
        stopped_by=None if one.stop is None else one.stop.index,
        begin=moment(one.low_us, scope.zone),
        end=None if one.high_us is None else moment(one.high_us, scope.zone),
        rule=one.rule,
        led_by=one.lead.entry,
        tailed_by=None if one.tail is None else one.tail.entry,
    )


def _partner(scope: Scope, one: Partner) -> PartnerRow:
    wanted, unknown = one.wanted, one.unknown
    action = "" if wanted.action is None else f" · {message(f'action.{wanted.action.value}')}"
    return PartnerRow(
        step=one_line(wanted.step),
        wanted=message("trace.least", count=wanted.least, type=one_line(wanted.object_type)) + action,
        source=one_line(wanted.source),
        state=_STATES.get(one.state, State.UNKNOWN),
        words=message(f"trace.partner.{one.state.value}"),
        count=len(one.records),
        records=one.records[:NAMED],
        unknown=None if unknown is None else (moment(unknown.low_us, scope.zone), moment(unknown.high_us, scope.zone)),
    )
