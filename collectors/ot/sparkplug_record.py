"""How a Sparkplug message becomes a record: who was born or died, what changed from what to what, what was commanded.

- An edge node or device that is born starts, one that dies stops; a host application does so by its STATE.
- Old values are the last that were heard, so they are marked *inferred* between the two times, and as a gap where
  messages may have been missed. A birth tells present values: those that are not new are left out.
- Nobody is named: MQTT does not pass on who published a message. Commands are therefore by an unknown actor.
- The broker publishes a node's death when it notices: it is dated by our own time. Whatever else tells no time is, too.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import msgspec

from collectors.ot.sparkplug_original import Definition, Envelope, Topic, read_topic
from collectors.ot.sparkplug_parts import UNIT
from collectors.ot.sparkplug_payload import read_payload, text_of
from collectors.ot.sparkplug_value import metric_value, property_value
from collectors.text import clean
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
)
from ledger.core.times import Basis, Precision, SourceTime, from_datetime, parse_source_time

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MS: Final = (2**53 - 1) // 1000
"""The last instant that a record can hold, in the year 2255."""
_NAME: Final = 512
_ACTIONS: Final = {
    "NBIRTH": Action.START,
    "DBIRTH": Action.START,
    "NDEATH": Action.STOP,
    "DDEATH": Action.STOP,
    "NDATA": Action.UPDATE,
    "DDATA": Action.UPDATE,
    "NCMD": Action.EXECUTE,
    "DCMD": Action.EXECUTE,
}


class Reader:
    """Makes records of one source. `equipment` is place → equipment, `batches` metric that names a batch → equipment;
    a place is group/node or group/node/device, a metric is its place and name.
    """

    def __init__(self, source: str, equipment: Mapping[str, str], batches: Mapping[str, str]) -> None:
        self._source = source
        self._equipment = equipment
        self._batches = batches

    def derive(self, original: Original) -> Record:
        """The record; raises SkippableRecord for bytes that are no original of this parser."""
        try:
            envelope = msgspec.json.decode(original.data, type=Envelope)
            topic = read_topic(envelope.topic)
            return self._state(envelope, topic) if topic.kind == "STATE" else self._message(envelope, topic)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise SkippableRecord(f"no original of a Sparkplug message: {error}") from None

    def _message(self, envelope: Envelope, topic: Topic) -> Record:
        payload = read_payload(envelope.payload)
        told_ms = next((int(one.timestamp) for one in payload.metrics if one.timestamp), 0)
        at_ms = int(payload.timestamp) or told_ms
        if topic.kind.endswith(("DATA", "CMD")):
            at_ms = told_ms or at_ms
        moment = _claimed(at_ms) if topic.kind != "NDEATH" else None
        changes, action, links = self._told(envelope, topic, payload, moment)
        return Record(
            source=self._source,
            source_record_id=_identity(envelope, payload),
            action=action,
            occurred_at=moment or parse_source_time(envelope.received),
            source_recorded_at=_claimed(int(payload.timestamp)) if topic.kind.endswith(("DATA", "CMD")) else None,
            actor=Actor(
                account=None, kind=ActorKind.DEVICE if action in {Action.START, Action.STOP} else ActorKind.UNKNOWN
            ),
            object=Target(type="device" if topic.device else "edge-node", id=clean(topic.place)[:_NAME]),
            source_sequence=str(payload.seq) if payload.HasField("seq") else None,
            changes=changes,
            links=links,
        )

    def _told(
        self, envelope: Envelope, topic: Topic, payload: Any, moment: SourceTime | None
    ) -> tuple[tuple[Change, ...], Action, tuple[Link, ...]]:
        changes: list[Change] = []
        for metric in payload.metrics:
            changes += _changes(envelope, topic, metric, moment)
        if not envelope.turn:
            return tuple(changes), _ACTIONS[topic.kind], self._place(topic)
        if len(payload.metrics) != 1 or not changes:
            raise SkippableRecord(f"the original tells no {envelope.turn} of a batch")
        batch = changes[0].old if envelope.turn == "stop" else changes[0].new
        where = self._batches.get(f"{topic.place}/{changes[0].attribute}")
        links = self._place(topic)
        if where is not None:
            links = (Link(kind=LinkKind.EQUIPMENT, id=where, basis=LinkBasis.DERIVED),)
        if not isinstance(batch, str | int) or batch == "":
            raise SkippableRecord(f"the original tells no {envelope.turn} of a batch")
        named = Link(kind=LinkKind.BATCH, id=str(batch)[:_NAME], basis=LinkBasis.READ)
        return tuple(changes), Action(envelope.turn), (named, *links)

    def _state(self, envelope: Envelope, topic: Topic) -> Record:
        """STATE of a host application: JSON since Sparkplug 3.0, before it one of two words."""
        data = envelope.payload
        told: object = {"ONLINE": True, "OFFLINE": False}.get(data.decode("utf-8", "replace"))
        at_ms = 0
        if told is None:
            state = json.loads(data)
            told = state.get("online") if isinstance(state, dict) else None
            at_ms = state["timestamp"] if isinstance(state, dict) and isinstance(state.get("timestamp"), int) else 0
        if not isinstance(told, bool):
            raise SkippableRecord("no STATE of a host application: it says neither online nor offline")
        return Record(
            source=self._source,
            source_record_id=_identity(envelope, None, timed=at_ms > 0),
            action=Action.START if told else Action.STOP,
            occurred_at=_claimed(at_ms) or parse_source_time(envelope.received),
            actor=Actor(account=None, kind=ActorKind.SERVICE),
            object=Target(type="host-application", id=clean(topic.node)[:_NAME] or "(empty)"),
            changes=(Change(attribute="online", new=told),),
        )

    def _place(self, topic: Topic) -> tuple[Link, ...]:
        """The equipment of the longest place that the message's own lies under."""
        under = [place for place in self._equipment if f"{topic.place}/".startswith(f"{place}/")]
        if not under:
            return ()
        return (Link(kind=LinkKind.EQUIPMENT, id=self._equipment[max(under, key=len)], basis=LinkBasis.DERIVED),)


def _changes(envelope: Envelope, topic: Topic, metric: Any, moment: SourceTime | None) -> list[Change]:
    name = text_of(metric.name) or envelope.aliases.get(metric.alias) or f"alias {metric.alias}"
    defined = envelope.known.get(name, Definition())
    value = metric_value(metric, int(metric.datatype) or defined.type)
    unit = property_value(metric.properties, UNIT)
    change = Change(
        attribute=name[:_NAME], new=value, unit=str(unit)[:_NAME] or None if unit is not None else defined.unit
    )
    before = envelope.before.get(name)
    birth = topic.kind.endswith("BIRTH")
    found: list[Change] = []
    if topic.kind.endswith(("CMD", "DEATH")) or metric.is_historical or before is None:
        found.append(change)
    elif not (birth and before.value == value and type(before.value) is type(value)):
        found.append(
            msgspec.structs.replace(
                change,
                old=before.value,
                inferred=_between(before.at, moment, envelope.received),
                gap=before.gap or birth,
            )
        )
    if (quality := property_value(metric.properties, "quality")) is not None and found:
        found.append(Change(attribute=f"{name[: _NAME - 8]}.Quality", new=quality))
    if metric.is_historical:
        found.append(Change(attribute=f"{name[: _NAME - 11]}.Historical", new=True))
    return found


def _between(after: str, moment: SourceTime | None, received: str) -> Interval:
    before = received if moment is None or moment.instant_us is None else utc_text(moment.instant_us)
    return Interval(after=min(after, before), before=before)


def _claimed(milliseconds: int) -> SourceTime | None:
    """What a count of milliseconds since 1970 says; None for 0, and no instant for one beyond any plant's time."""
    if milliseconds <= 0:
        return None
    if milliseconds > _LAST_MS:
        return SourceTime(text=str(milliseconds), precision=Precision.MILLISECOND, basis=Basis.NONE)
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return msgspec.structs.replace(from_datetime(moment, str(milliseconds)), precision=Precision.MILLISECOND)


def _identity(envelope: Envelope, payload: Any, timed: bool = True) -> str:
    """Topic, time, count and digest of the bytes; what tells no time of its own is known by its delivery."""
    digest = sha256(envelope.topic.encode() + b"\x00" + envelope.payload).hexdigest()[:32]
    said = ""
    if payload is not None:
        said = f"{payload.timestamp}:{payload.seq}"
        timed = bool(payload.timestamp) and read_topic(envelope.topic).kind != "NDEATH"
    delivery = "" if timed else f":{envelope.number}"
    turn = f":{envelope.turn}" if envelope.turn else ""
    return f"{clean(envelope.topic)[:300]}@{said}:{digest}{delivery}{turn}"
