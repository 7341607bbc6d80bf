"""An object through time: every version of it, what each change follows and which signature covers it; and its state.

Values that are sealed stay so here: an entry's own page opens what stands beside it.
"""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from ledger.core.address import LogId, parse_address
from ledger.core.clock import parse_utc
from ledger.core.errors import LedgerError, PurposeRequired
from ledger.core.record import Change, RecordBody
from ledger.integrity.incidents.standing import answered
from ledger.present.inert import one_line
from ledger.present.messages import message
from ledger.present.states import State
from ledger.present.times import Moment, moment, parse_local
from ledger.present.values import Pieces, change_pieces, value_line
from ledger.privacy.look_up_kinds import Purpose
from ledger.privacy.look_ups import Allowed
from ledger.sources.hand_marks import marks_told
from ledger.sources.parameters import Parameters
from ledger.store.changes import Thing
from ledger.store.question import Query
from ledger.store.reading import LogReader
from ledger.store.store import Store
from ledger.trace.history import Continuity, FieldStep, Version, versions
from ledger.trace.state import ObjectState, sources_of, state_at
from ledger.web.views.common import Allow, Scope, number_asked

ROWS: Final = 50
_MEMBERS: Final = ("log", "type", "id", "source", "attribute", "size", "before", "at", "purpose")


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of a change or a version, and the entry that it leads to, in the log of that name."""

    state: State
    words: str
    log: str
    entry: int | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One attribute, old → new."""

    attribute: str
    pieces: Pieces
    marks: tuple[Mark, ...]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A version: between which moments it happened (`until` where that is an interval), who did it, and why."""

    index: int
    begin: Moment | None
    until: Moment | None
    source: str
    action: str
    account: str
    reason: str
    steps: tuple[Step, ...]
    marks: tuple[Mark, ...]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What stood in a field, or all that can have: each with the entry that put it there."""

    attribute: str
    state: State
    values: tuple[Mark, ...]


class StateOf(msgspec.Struct, frozen=True, kw_only=True):
    """An object of one source at a moment."""

    source: str
    exists: str
    fields: tuple[Field, ...]
    undated: int


class ObjectView(msgspec.Struct, frozen=True, kw_only=True):
    """The page. With `errors` (member → what is wrong) nothing was read. `asked`: the members as they were given.

    `incident`: the open case for which the answer is unknown; `entered`: what is entered before it is shown.
    """

    asked: dict[str, str]
    log: str
    size: int
    errors: dict[str, str]
    rows: tuple[Row, ...] = ()
    older: str | None = None
    at: Moment | None = None
    states: tuple[StateOf, ...] = ()
    incident: str | None = None
    entered: Allowed | None = None


def object_url(log: str, body: RecordBody) -> str:
    """Where all versions of a record's object are."""
    target = body.record.object
    return "/object?" + urlencode({"log": log, "type": target.type, "id": target.id, "source": body.record.source})


def object_view(
    scope: Scope, store: Store, open_reader: Callable[[LogId], LogReader], parameters: Mapping[str, str], allow: Allow
) -> ObjectView:
    """Answers for the object that the parameters name; raises NotFound for a log that is not there."""
    asked = {name: value for name in _MEMBERS if (value := parameters.get(name, "").strip())}
    log = scope.record_log(asked.get("log"))
    reader = open_reader(log)
    head = reader.head().size
    errors: dict[str, str] = {}
    size = number_asked(asked, "size", head, errors)
    before = number_asked(asked, "before", size, errors)
    purpose = None
    if asked.get("purpose") in list(Purpose):
        purpose = Purpose(asked["purpose"])
    if not (asked.get("type") and asked.get("id")):
        errors["id"] = message("object.name-it")
    at_us = None
    if "at" in asked:
        try:
            at_us = parse_local(asked["at"], scope.zone)
        except LedgerError as error:
            errors["at"] = error.message
        except OverflowError:
            errors["at"] = message("time.advice")
    if any("\0" in value for value in asked.values()):
        errors["id"] = message("object.no-nul")
    query = Query(
        source=asked.get("source"),
        object_type=asked.get("type"),
        object_id=asked.get("id"),
        attribute=asked.get("attribute"),
    )
    entered = None
    if not errors:
        try:
            entered = allow(reader, query, purpose)
        except PurposeRequired:
            errors["purpose"] = message("search.error.purpose")
    if errors:
        return ObjectView(asked=asked, log=log.name, size=head, errors=errors)
    type_, id_ = asked["type"], asked["id"]
    page = versions(
        store, reader.connection, log, size, type_, id_,
        source=query.source, attribute=query.attribute, before=before, limit=ROWS,
    )  # fmt: skip
    states: list[ObjectState] = []
    if at_us is not None:
        states = [
            state_at(reader.connection, Parameters(store), log.number, size, Thing(source, type_, id_), at_us)
            for source in sources_of(reader.connection, log.number, size, type_, id_)
            if query.source in (None, source)
        ]
    older = None
    if page.next_before is not None:
        older = "/object?" + urlencode(asked | {"size": size, "before": page.next_before})
    return ObjectView(
        asked=asked,
        log=log.name,
        size=size,
        errors={},
        rows=tuple(_row(scope, log.name, one) for one in page.versions),
        older=older,
        at=None if at_us is None else moment(at_us, scope.zone),
        states=tuple(_state(log.name, one, query.attribute) for one in states),
        incident=answered(scope.standing, log.number, query, [one.index for one in page.versions]),
        entered=entered,
    )


def _row(scope: Scope, log: str, one: Version) -> Row:
    begin = None if one.after is None else moment(parse_utc(one.after), scope.zone)
    until = None if one.before in (None, one.after) else moment(parse_utc(one.before or ""), scope.zone)
    marks = [
        Mark(
            state=State.HOLDS,
            words=message("object.signed-by", name=one_line(of.name), meaning=one_line(of.meaning), at=of.signed_at),
            log="system",
            entry=of.index,
        )
        for of in one.signatures
    ]
    if one.corrected_by is not None:
        marks.append(Mark(state=State.FAILS, words=message("object.given-again"), log=log, entry=one.corrected_by))
    for told in () if one.marks is None else marks_told(one.marks):
        place = None if told.address is None else parse_address(told.address)
        name = next((of.name for of in scope.logs if place is not None and of.origin == place.origin), None)
        entry = None if place is None or name is None else place.index
        marks.append(Mark(state=State.UNKNOWN, words=told.words, log=name or log, entry=entry))
    reason = message("value.sealed") if one.reason is None and one.reasoned else one.reason or ""
    return Row(
        index=one.index,
        begin=begin,
        until=until,
        source=one_line(one.source),
        action=message(f"action.{one.action.value}"),
        account=one_line(one.account or ""),
        reason=one_line(reason),
        steps=tuple(_step(log, step) for step in one.steps),
        marks=tuple(marks),
    )


def _step(log: str, step: FieldStep) -> Step:
    marks = []
    if step.continuity is Continuity.BROKEN:
        left = value_line(step.expected, step.unit)
        marks.append(Mark(state=State.FAILS, words=message("object.left", value=left), log=log, entry=step.previous))
    elif step.continuity is Continuity.CANNOT_TELL:
        marks.append(Mark(state=State.UNKNOWN, words=message("object.cannot-tell"), log=log, entry=step.previous))
    if step.after_signature is not None:
        words = message("object.after-signature", address=step.after_signature)
        marks.append(
            Mark(state=State.FAILS, words=words, log="system", entry=parse_address(step.after_signature).index)
        )
    change = Change(attribute=step.attribute, old=step.old, new=step.new, unit=step.unit)
    return Step(attribute=one_line(step.attribute), pieces=change_pieces(change), marks=tuple(marks))


def _state(log: str, one: ObjectState, attribute: str | None) -> StateOf:
    fields = [
        Field(
            attribute=one_line(field.attribute),
            state=State.HOLDS if field.certain else State.UNKNOWN,
            values=tuple(
                Mark(state=State.UNKNOWN, words=value_line(of.value, of.unit), log=log, entry=of.since)
                for of in field.alternatives
            ),
        )
        for field in one.fields
        if attribute in (None, field.attribute)
    ]
    exists = message(f"object.exists.{one.exists.value}")
    return StateOf(source=one_line(one.source), exists=exists, fields=tuple(fields), undated=one.undated)
