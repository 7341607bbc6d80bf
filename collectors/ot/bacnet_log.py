"""Trend logs of BACnet devices: their entries, read by sequence number, as things that happened.

A log keeps so many entries and forgets the oldest; each has a number that rises by one. Of each log the first look
takes the newest entries, a later one goes on from the highest number that is known: where that has been forgotten
meanwhile, the look lacks it, and a gap says so.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from bacpypes3.apdu import ReadRangeACK, ReadRangeRequest  # type: ignore[import-untyped]
from bacpypes3.basetypes import LogRecord, Range, RangeBySequenceNumber  # type: ignore[import-untyped]
from bacpypes3.primitivedata import (  # type: ignore[import-untyped]
    ObjectIdentifier,
    PDUData,
    PropertyIdentifier,
    TagClass,
    TagList,
)

from collectors.compare.look import Found, Look, state_text
from collectors.compare.memory import Memory
from collectors.compare.record import Shown
from collectors.mapping.expression import Item
from collectors.ot import bacnet_values
from collectors.ot.bacnet_session import BacnetSession
from collectors.ot.bacnet_wire import Refusal
from ledger.core.record import Action
from ledger.core.times import parse_source_time

_ENTRY = "entry-of-"
"""Before the name of its log: the type of an entry."""
_BUFFER = PropertyIdentifier("log-buffer")
_AT_ONCE = 50
_ACTIONS: Final = {"time-change": Action.TIME_CHANGE, "log-status": Action.CONFIGURE}


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Some entries one after the other: the number of the first, the bytes of each."""

    first: int
    entries: tuple[bytes, ...]


def is_entry(kind: str) -> bool:
    """Whether objects of this type are entries of a log."""
    return kind.startswith(_ENTRY)


def read_log(session: BacnetSession, name: str, known: Memory, most: int, look: Look) -> None:
    """Adds the entries of one log; at most so many at a look, the rest at the next. Raises ValueError."""
    kind = _ENTRY + name
    look.rolling.add(kind)
    total = session.read(name, "total-record-count")
    if isinstance(total, Refusal):
        look.unlisted[kind] = total.words
        return
    newest = _number(total)
    highest = max((int(number) for number in known.states.get(kind, ())), default=0)
    start = highest if 0 < highest <= newest else max(1, newest - most + 1)
    while start <= newest and most > 0:
        part = session.exchange(_request(name, start, min(_AT_ONCE, most)), lambda found: _part(name, found))
        if isinstance(part, Refusal):
            look.unlisted[kind] = part.words
            return
        if not part.entries:
            return
        if part.first < start:
            raise ValueError(f"{name}: entries from {part.first} on instead of {start}")
        for number, entry in enumerate(part.entries, part.first):
            look.add(Found(type=kind, id=str(number), state=state_text({"raw": entry.hex()})))
        start, most = part.first + len(part.entries), most - len(part.entries)


def show(kind: str, state: Item, zone: str | None) -> Shown:
    """What an entry says: a value with its flags; or that the log was stopped or emptied, or a clock set."""
    raw = bytes.fromhex(str(state["raw"]))
    try:
        record = LogRecord.decode(TagList.decode(PDUData(raw)))
        datum = record.logDatum
        sort = bacnet_values.dashed(str(datum._choice))
        found = getattr(datum, datum._choice)
    except Exception as error:  # the codec raises errors of many kinds
        raise ValueError(f"an entry that cannot be read: {error.__class__.__name__}: {error}") from None
    attributes: dict[str, object] = {"value" if sort.endswith("-value") else sort: bacnet_values.plain(found)}
    if record.statusFlags is not None:
        attributes |= bacnet_values.flags(record.statusFlags)
    moment = bacnet_values.moment(record.timestamp)
    return Shown(
        attributes=attributes,
        name=kind.removeprefix(_ENTRY),
        moment=None if moment is None else parse_source_time(moment, zone),
        happened=_ACTIONS.get(sort, Action.UPDATE),
    )


def _request(name: str, start: int, count: int) -> ReadRangeRequest:
    return ReadRangeRequest(
        objectIdentifier=ObjectIdentifier(name),
        propertyIdentifier=_BUFFER,
        range=Range(bySequenceNumber=RangeBySequenceNumber(referenceSequenceNumber=start, count=count)),
    )


def _part(name: str, found: Any) -> Part:
    if not isinstance(found, ReadRangeACK) or found.objectIdentifier != ObjectIdentifier(name):
        raise ValueError("an answer to another request")
    entries = _entries(list(found.itemData.tagList)[1:-1])
    if len(entries) != found.itemCount:
        raise ValueError(f"{len(entries)} entries instead of {found.itemCount}")
    return Part(first=int(found.firstSequenceNumber or 0), entries=tuple(entries))


def _entries(tags: Sequence[Any]) -> list[bytes]:
    """The tags of each entry: each begins with its time, in an opening tag 0."""
    entries: list[list[Any]] = []
    level = 0
    for tag in tags:
        if level == 0 and tag.tag_class == TagClass.opening and tag.tag_number == 0:
            entries.append([])
        if not entries:
            raise ValueError("an entry that does not begin with its time")
        entries[-1].append(tag)
        level += {TagClass.opening: 1, TagClass.closing: -1}.get(tag.tag_class, 0)
    return [bytes(TagList(entry).encode().pduData) for entry in entries]


def _number(raw: bytes) -> int:
    found = bacnet_values.element(raw)
    if not isinstance(found, int):
        raise ValueError(f"{raw.hex()} is no number")
    return int(found)
