"""Reads one Tryton original into one record; nothing but the original and the source's configuration goes in.

An original is a JSON object that holds rows exactly as the server wrote them (`log`, `before`, `after`), and what the
collector knows of the two looks between which it stands. Four sorts:

- `log`: a row of `ir.model.log`. Its id is the record's. What was written is named by field only; old and new come from
  the row as it stood at the look before and at this one, so each pair is marked *inferred* between the two. `others`
  counts earlier and later log rows of the same field between those looks: the first alone can show the old value, the
  last alone the new one, and all are marked as a gap. A `transition` row names the new state itself.
- `created`: a row seen for the first time; when and by whom from `create_date` and `create_uid`. Where it was written
  since (`write_date`), its values are those of the look, and marked so.
- `version`: a row whose values differ from the look before without a log row for them (Tryton logs nothing that is
  written without an access check, as by a workflow); when and by whom from `write_date` and `write_uid`.
- `gone`: a row of the look before that is no longer there and no log row names. Somewhere between the two looks, by
  someone unknown: Tryton logs no deletion without access check, and an account that is no administrator's can't always
  learn what the log row of a deletion speaks of (then the object of that row's record is the log row itself).

Times are the server's, without offset; Tryton keeps UTC, and the source's zone may say otherwise: marked *assumed*.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Literal

import msgspec

from collectors.it.tryton_models import STARTS, STOPS, Watched
from collectors.text import name, render
from ledger.core.clock import utc_text
from ledger.core.errors import SkippableRecord
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
    Target,
    Value,
)
from ledger.core.times import Basis, Precision, SourceTime, parse_source_time

MEDIA_TYPE = "application/json"
PARSER = "tryton-rpc"
PARSER_VERSION = "1"

Sort = Literal["log", "created", "version", "gone"]
Row = Mapping[str, Any]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What the collector knows around the rows of an original.

    `resource` is `MODEL,ID`, `since` and `look` are the two looks in UTC, `fields` those that a `version` changed.
    """

    sort: Sort
    resource: str
    look: str
    since: str | None = None
    others: dict[str, tuple[int, int]] = {}
    fields: tuple[str, ...] = ()


def wrap(envelope: Envelope, **rows: str | None) -> Original:
    """The original of an envelope and the rows `log`, `before`, `after` around which it stands, verbatim."""
    verbatim = {part: msgspec.Raw(row.encode()) for part, row in rows.items() if row is not None}
    data = msgspec.json.encode({**msgspec.to_builtins(envelope), **verbatim})
    return Original(data=data, media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION)


class Reader:
    """Derives records by the configuration of one source."""

    def __init__(
        self,
        source: str,
        zone: str,
        models: Mapping[str, Watched],
        equipment: Mapping[str, str],
        services: frozenset[str],
    ) -> None:
        self._source = source
        self._zone = zone
        self._models = models
        self._equipment = equipment
        self._services = services

    def derive(self, original: Original) -> Record:
        """The record; raises SkippableRecord for bytes that are no original of this parser."""
        try:
            whole = json.loads(original.data)
            log, before, after = (_row(whole.pop(part, None)) for part in ("log", "before", "after"))
            envelope = msgspec.convert(whole, Envelope)
            if envelope.sort == "log":
                return self._logged(envelope, _given(log), before, after)
            if envelope.sort == "created":
                return self._created(envelope, _given(after))
            if envelope.sort == "version":
                return self._version(envelope, _given(before), _given(after))
            return self._gone(envelope, _given(before))
        except Exception as error:  # whatever a mangled original makes of rows, it is no original
            raise SkippableRecord(f"not an original of {PARSER}/{PARSER_VERSION}: {error}") from error

    def _logged(self, envelope: Envelope, log: Row, before: Row | None, after: Row | None) -> Record:
        model = envelope.resource.partition(",")[0]
        event, target = str(log["event"]), log["target"] or ""
        action = Action.EXECUTE
        changes: tuple[Change, ...] = ()
        if event == "write":
            action, changes = Action.UPDATE, tuple(self._pairs(envelope, log, before, after))
        elif event == "delete":
            action, changes = Action.DELETE, tuple(self._last_values(envelope, model, before))
        elif event == "transition":
            field, _, state = target.partition(":")
            action = _of_transition(model, field, state)
            changes = (Change(attribute=_known(field), new=render(state)),)
        elif event in {"button", "wizard"}:
            changes = (Change(attribute=event, new=render(target)),)
        else:
            raise ValueError(f"the log event {event!r} is not known")
        moment = self._time(log["create_date"])
        return Record(
            source=self._source,
            source_record_id=f"ir.model.log,{int(log['id'])}",
            action=action,
            occurred_at=moment,
            source_recorded_at=moment,
            actor=self._actor(log, "user"),
            object=self._target(envelope.resource or f"ir.model.log,{int(log['id'])}", after or before),
            changes=changes,
            links=self._links(model, before, after),
        )

    def _created(self, envelope: Envelope, after: Row) -> Record:
        model = envelope.resource.partition(",")[0]
        moment = self._time(after["create_date"])
        inferred = None
        if after["write_date"] is not None:
            inferred = Interval(after=_utc(moment), before=envelope.look)
        return Record(
            source=self._source,
            source_record_id=f"create:{envelope.resource}",
            action=Action.CREATE,
            occurred_at=moment,
            source_recorded_at=moment,
            actor=self._actor(after, "create_uid"),
            object=self._target(envelope.resource, after),
            changes=tuple(
                Change(
                    attribute=field,
                    new=_value(after[field]),
                    unit=self._unit(model, field, after),
                    inferred=inferred,
                    gap=field in envelope.others,
                )
                for field in self._models[model].fields
                if after.get(field) is not None
            ),
            links=self._links(model, None, after),
        )

    def _version(self, envelope: Envelope, before: Row, after: Row) -> Record:
        model = envelope.resource.partition(",")[0]
        moment = self._time(after["write_date"])
        inferred = self._between(envelope, moment)
        return Record(
            source=self._source,
            source_record_id=f"version:{envelope.resource}@{moment.text}",
            action=Action.UPDATE,
            occurred_at=moment,
            source_recorded_at=moment,
            actor=self._actor(after, "write_uid"),
            object=self._target(envelope.resource, after),
            changes=tuple(
                Change(
                    attribute=field,
                    old=_value(before[field]),
                    new=_value(after[field]),
                    unit=self._unit(model, field, after),
                    inferred=inferred,
                )
                for field in envelope.fields
            ),
            links=self._links(model, before, after),
        )

    def _gone(self, envelope: Envelope, before: Row) -> Record:
        model = envelope.resource.partition(",")[0]
        return Record(
            source=self._source,
            source_record_id=f"gone:{envelope.resource}",
            action=Action.DELETE,
            occurred_at=SourceTime(
                text=f"{envelope.since}/{envelope.look}", precision=Precision.MICROSECOND, basis=Basis.NONE
            ),
            actor=Actor(account=None, kind=ActorKind.UNKNOWN),
            object=self._target(envelope.resource, before),
            changes=tuple(self._last_values(envelope, model, before)),
            links=self._links(model, before),
        )

    def _pairs(self, envelope: Envelope, log: Row, before: Row | None, after: Row | None) -> Iterator[Change]:
        model = envelope.resource.partition(",")[0]
        inferred = self._between(envelope, self._time(log["create_date"]))
        for field in str(log["target"]).split(","):
            earlier, later = envelope.others.get(field, (0, 0))
            old = before[field] if before and field in before and not earlier else msgspec.UNSET
            new = after[field] if after and field in after and not later else msgspec.UNSET
            shown = old is not msgspec.UNSET or new is not msgspec.UNSET
            yield Change(
                attribute=_known(field),
                old=old if old is msgspec.UNSET else _value(old),
                new=new if new is msgspec.UNSET else _value(new),
                unit=self._unit(model, field, after or before or {}),
                inferred=inferred if shown else None,
                gap=bool(earlier or later),
            )

    def _last_values(self, envelope: Envelope, model: str, before: Row | None) -> Iterator[Change]:
        if before is None or envelope.since is None:
            return
        inferred = Interval(after=envelope.since, before=envelope.look)
        for field in self._models[model].fields:
            if before.get(field) is not None:
                yield Change(
                    attribute=field,
                    old=_value(before[field]),
                    unit=self._unit(model, field, before),
                    inferred=inferred,
                    gap=field in envelope.others,
                )

    def _between(self, envelope: Envelope, moment: SourceTime) -> Interval:
        return Interval(after=envelope.since or _utc(moment), before=envelope.look)

    def _unit(self, model: str, field: str, row: Row) -> str | None:
        path = self._models[model].units.get(field) if model in self._models else None
        return next(iter(follow(row, path)), None) if path else None

    def _time(self, value: object) -> SourceTime:
        moment = _plain(value)
        if not isinstance(moment, datetime):
            raise ValueError(f"{value!r} is no instant")
        return parse_source_time(moment.isoformat(timespec="microseconds"), self._zone)

    def _actor(self, row: Row, field: str) -> Actor:
        user = row.get(f"{field}.") or {}
        login = name(user.get("login")) or (None if row.get(field) is None else f"res.user,{row[field]}")
        kind = ActorKind.PERSON
        if login is None:
            kind = ActorKind.UNKNOWN
        elif login in self._services:
            kind = ActorKind.SERVICE
        return Actor(account=login, kind=kind, name=name(user.get("rec_name")))

    def _target(self, resource: str, row: Row | None) -> Target:
        model, _, identity = resource.partition(",")
        return Target(type=model, id=identity, name=name(row.get("rec_name")) if row else None)

    def _links(self, model: str, *rows: Row | None) -> tuple[Link, ...]:
        """What the row belongs to, as it stood at either look: a renamed recipe is linked by both names."""
        links: dict[tuple[LinkKind, str], Link] = {}
        rules = self._models[model].links if model in self._models else ()
        for rule, row in ((rule, row) for rule in rules for row in rows if row is not None):
            found = next((names for path in rule.paths if (names := list(follow(row, path)))), [])
            for identity in found:
                links[rule.kind, identity] = Link(kind=rule.kind, id=identity, basis=LinkBasis.READ)
                if rule.kind is LinkKind.LOCATION and identity in self._equipment:
                    unit = self._equipment[identity]
                    links[LinkKind.EQUIPMENT, unit] = Link(kind=LinkKind.EQUIPMENT, id=unit, basis=LinkBasis.DERIVED)
        return tuple(links.values())


def follow(row: Row, path: str) -> Iterator[str]:
    """All texts that a path leads to from a row; Tryton nests a relation under its name with a dot after it."""
    step, _, rest = path.partition(".")
    if not rest:
        value = row.get(step)
        if value not in (None, ""):
            yield str(render(_plain(value)))
        return
    related = row.get(f"{step}.") or []
    for item in related if isinstance(related, list) else [related]:
        yield from follow(item, rest)


def _of_transition(model: str, field: str, state: str) -> Action:
    if state in STARTS.get(model, {}).get(field, ()):
        return Action.START
    if state in STOPS.get(model, {}).get(field, ()):
        return Action.STOP
    return Action.UPDATE


def _row(value: object) -> Row | None:
    if value is not None and not isinstance(value, dict):
        raise ValueError("a row is not a JSON object")
    return value


def _given(row: Row | None) -> Row:
    if row is None:
        raise ValueError("a row is missing")
    return row


def _known(attribute: str) -> str:
    cleaned = name(attribute)
    if cleaned is None:
        raise ValueError("the log row names no field")
    return cleaned


def _utc(moment: SourceTime) -> str:
    """The instant in the one form of entries; Tryton's clock reading where the zone leaves it open."""
    if moment.instant_us is None:
        raise ValueError(f"{moment.text} names no instant in the source's zone")
    return utc_text(moment.instant_us)


def _value(value: object) -> Value:
    return render(_plain(value))


def _plain(value: object) -> object:
    """A JSON value of Tryton as Python's; objects with `__class__` are its dates, decimals, durations and bytes."""
    if not isinstance(value, dict) or "__class__" not in value:
        return value
    sort = value["__class__"]
    parts = [value[part] for part in ("year", "month", "day") if part in value]
    clock = [value[part] for part in ("hour", "minute", "second", "microsecond") if part in value]
    if sort == "datetime":
        return datetime(*parts, *clock)  # the source gives no offset; parse_source_time marks it
    if sort == "date":
        return date(*parts)
    if sort == "time":
        return time(*clock)
    if sort == "Decimal":
        return str(value["decimal"])
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
