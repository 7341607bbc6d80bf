"""Cuts a Sparkplug message into the originals of its records, and moves the memory on.

- A birth or death is a record, told with the metrics that it names; very many are told in several records.
- Data and commands give a record for each time that their metrics have, and each batch that ends or begins one more.
- A command changes no last value: the data that answers it does. Historical values do not either.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from collectors.ot.mqtt_feed import Message
from collectors.ot.sparkplug_original import Before, Definition, Envelope, Plain, Topic, encode, read_topic
from collectors.ot.sparkplug_payload import Cut, cut, read_payload, text_of
from collectors.ot.sparkplug_state import Known, Memory, Node, begin_life, count, definition, last_value
from collectors.ot.sparkplug_value import metric_value, property_value
from ledger.core.clock import utc_text
from ledger.core.errors import SkippableRecord
from ledger.core.record import Sealed

_PART_METRICS: Final = 1000
_PART_BYTES: Final = 131_072
_MAX_MS: Final = 253_402_300_799_999
UNIT: Final = "engunit"
"""The property in which products tell a metric's engineering unit, in small letters."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What one message gave: its originals; `missing` counts messages of the node that did not come before it,
    `unborn` says that it names metrics of which no birth is known, `structural` that definitions changed.
    """

    envelopes: list[Envelope]
    topic: Topic
    missing: int = 0
    unborn: bool = False
    structural: bool = False


class _Metric(msgspec.Struct):
    """One metric of the message at hand."""

    field: bytes
    told: Any
    name: str
    key: str
    alias: int | None


class Cutter:
    """Cuts the messages of one source. `selected` says which metrics are told, `batches` which names a batch."""

    def __init__(self, memory: Memory, selected: Callable[[str], bool], batches: Mapping[str, str]) -> None:
        self.memory = memory
        self._selected = selected
        self._batches = batches

    def cut(self, message: Message) -> Told:
        """Raises SkippableRecord, the memory untouched, for what is no message of Sparkplug B."""
        topic = read_topic(message.packet.topic)
        data = message.packet.payload
        whole = Envelope(
            topic=message.packet.topic, data=encode(data), received=message.received_at, number=message.number
        )
        if topic.kind == "STATE":
            return Told(envelopes=[whole], topic=topic)
        payload = read_payload(data)
        fields = cut(data)
        if len(fields.metrics) != len(payload.metrics):
            raise SkippableRecord("no Sparkplug B payload: its metrics cannot be told apart")
        node = self.memory.node(topic.edge)
        missing = self._follow(node, topic, payload)
        unborn = False
        metrics: list[_Metric] = []
        for field, told in zip(fields.metrics, payload.metrics, strict=True):
            metric, known = _name(node, topic, field, told)
            unborn = unborn or not known
            if self._selected(metric.name):
                metrics.append(metric)
        groups = self._groups(node, topic, payload, metrics)
        envelopes = [self._envelope(whole, fields, node, group) for group in groups]
        turns = self._turns(whole, fields, node, topic, metrics)
        self._remember(node, topic, payload, metrics, message.received_at)
        made = [msgspec.structs.replace(one, part=part) for part, one in enumerate([*envelopes, *turns])]
        structural = topic.kind.endswith(("BIRTH", "DEATH"))
        return Told(envelopes=made, topic=topic, missing=missing, unborn=unborn, structural=structural)

    def _follow(self, node: Node, topic: Topic, payload: Any) -> int:
        """Follows the node's count; a birth of the node begins it anew, and its death ends it."""
        missing = 0
        if topic.kind == "NBIRTH":
            node.seq = int(payload.seq) % 256
        elif topic.kind == "NDEATH":
            node.seq = None
        elif payload.HasField("seq") and not topic.kind.endswith("CMD"):
            missing = count(node, int(payload.seq))
        if topic.kind.endswith("BIRTH"):
            begin_life(node, topic.device)
        return missing

    def _groups(self, node: Node, topic: Topic, payload: Any, metrics: list[_Metric]) -> list[list[_Metric]]:
        """The metrics of each record."""
        if topic.kind.endswith(("BIRTH", "DEATH")):
            return _chunks(metrics) or [[]]
        if not payload.metrics:
            return [[]]
        by_time: dict[tuple[int, bool], list[_Metric]] = {}
        for metric in metrics:
            by_time.setdefault((int(metric.told.timestamp), bool(metric.told.is_historical)), []).append(metric)
        return [chunk for group in by_time.values() for chunk in _chunks(group)]

    def _envelope(self, whole: Envelope, fields: Cut, node: Node, metrics: list[_Metric]) -> Envelope:
        data = fields.join([metric.field for metric in metrics])
        known: dict[str, Definition] = {}
        before: dict[str, Before] = {}
        for metric in metrics:
            if (defined := definition(node, metric.key)) != Definition():
                known[metric.name] = defined
            if (last := last_value(node, metric.key)) is not None:
                before[metric.name] = last
        aliases = {metric.alias: metric.name for metric in metrics if metric.alias is not None and not metric.told.name}
        return msgspec.structs.replace(whole, data=encode(data), aliases=aliases, known=known, before=before)

    def _turns(self, whole: Envelope, fields: Cut, node: Node, topic: Topic, metrics: list[_Metric]) -> list[Envelope]:
        """The ends and beginnings of batches that the message tells."""
        found: list[Envelope] = []
        if not self._batches or topic.kind.endswith(("CMD", "DEATH")):
            return found
        for metric in metrics:
            if f"{topic.place}/{metric.name}" not in self._batches or metric.told.is_historical:
                continue
            old, new = last_value(node, metric.key), _value(node, metric)
            if old is not None and old.value == new:
                continue
            one = self._envelope(whole, fields, node, [metric])
            if old is not None and old.value:
                found.append(msgspec.structs.replace(one, turn="stop"))
            if new:
                found.append(msgspec.structs.replace(one, turn="start"))
        return found

    def _remember(self, node: Node, topic: Topic, payload: Any, metrics: list[_Metric], received_at: str) -> None:
        if topic.kind.endswith(("CMD", "DEATH")):
            return
        for metric in metrics:
            if metric.key not in node.metrics:
                if self.memory.full:
                    continue
                node.metrics[metric.key] = Known()
            known = node.metrics[metric.key]
            if metric.told.datatype:
                known.type = int(metric.told.datatype)
            if (unit := property_value(metric.told.properties, UNIT)) is not None:
                known.unit = str(unit)[:512] or None
            if not metric.told.is_historical:
                known.value, known.generation = _value(node, metric), node.generation
                known.at = _moment(int(metric.told.timestamp or payload.timestamp)) or received_at


def _name(node: Node, topic: Topic, field: bytes, told: Any) -> tuple[_Metric, bool]:
    """The metric, and whether it is known what it is: by its own name, or by an alias that a birth gave."""
    alias = int(told.alias) if told.HasField("alias") else None
    known = True
    if told.name:
        name = text_of(told.name)
        if alias is not None and topic.kind.endswith("BIRTH"):
            node.aliases[alias] = name
    elif alias is not None and alias in node.aliases:
        name = node.aliases[alias]
    else:
        name, known = f"alias {alias}", False
    return _Metric(field=field, told=told, name=name, key=f"{topic.device}/{name}", alias=alias), known


def _value(node: Node, metric: _Metric) -> Plain:
    value = metric_value(metric.told, int(metric.told.datatype) or definition(node, metric.key).type)
    assert not isinstance(value, Sealed), "no source gives one"
    return value


def _moment(milliseconds: int) -> str:
    return utc_text(milliseconds * 1000) if 0 < milliseconds <= _MAX_MS else ""


def _chunks(metrics: list[_Metric]) -> list[list[_Metric]]:
    """In order, in pieces that a record can hold."""
    found: list[list[_Metric]] = []
    size = 0
    for metric in metrics:
        size += len(metric.field)
        if not found or len(found[-1]) >= _PART_METRICS or size > _PART_BYTES:
            found.append([])
            size = len(metric.field)
        found[-1].append(metric)
    return found
