"""Looks for edits of what a historian keeps: values that somebody inserted, replaced or deleted afterwards.

OPC UA gives edits by the time of the *value*, never by that of the edit (Part 11, 6.5.3.3), and a server is free to
state any time of an edit. So every look reads all edits of values of the last days, and what was not there at the look
before is new, whenever it claims to have been made. The looks remember fingerprints; an edit that is forgotten, as it
fell out of the days, was told before.

Of a replaced value the server gives the old one. The new one is the old one of the next edit of the same value, or else
what the raw history holds now; where an edit comes in between these two looks, it is told at the next.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
from asyncua import ua
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.ot.opcua_binary import FileTime, RawEdit, RawValue, unpack_modification
from collectors.ot.opcua_heard import EditSeen, EditsServed, EditsUnserved
from collectors.ot.opcua_history import MOMENT, History, Unserved, ua_time
from collectors.ot.opcua_nodes import NodeBook
from collectors.ot.opcua_original import Envelope, NodeFacts, encode
from collectors.ot.opcua_values import time_of
from ledger.core.clock import WallClock, utc_text

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_FINGERPRINT = 16
_INSERT = ua.HistoryUpdateType.Insert.value
_REPLACES = (ua.HistoryUpdateType.Replace.value, ua.HistoryUpdateType.Update.value)


class _Edit(msgspec.Struct, frozen=True, kw_only=True):
    """`order` is when it was made."""

    raw: RawEdit
    fingerprint: str
    order: int
    update: int


class EditWatch:
    """The edits of some nodes of one session; `known` is, by node id, what earlier looks found."""

    def __init__(
        self,
        history: History,
        book: NodeBook,
        nodes: Sequence[ua.NodeId],
        known: Mapping[str, Mapping[str, int]],
        window: timedelta,
        clock: WallClock,
    ) -> None:
        self._history = history
        self._book = book
        self._nodes = nodes
        self._known = {node: set(edits) for node, edits in known.items()}
        self._window = window
        self._clock = clock
        self._unserved: set[ua.NodeId] = set()

    async def look(self) -> AsyncIterator[EditSeen | EditsServed | EditsUnserved]:
        """What is new at every node; that a node's edits are not served is said once a session."""
        for node in self._nodes:
            facts = await self._book.facts(node)
            start = self._now() - self._window
            try:
                async for seen in self._look_at(node, facts, start):
                    yield seen
            except Unserved as unserved:
                if node not in self._unserved:
                    self._unserved.add(node)
                    yield EditsUnserved(path=facts.path, reason=str(unserved))

    async def _look_at(
        self, node: ua.NodeId, facts: NodeFacts, start: datetime
    ) -> AsyncIterator[EditSeen | EditsServed]:
        if not await self._history.is_kept(node):
            raise Unserved("the server keeps no history of this node")
        known = self._known.setdefault(facts.id, set())
        found = _by_value(await self._history.edits(node, start, self._now() + _DAY))
        fresh = {ticks: edits for ticks, edits in found.items() if any(one.fingerprint not in known for one in edits)}
        replaced = [ticks for ticks, edits in fresh.items() if ticks and edits[-1].update in _REPLACES]
        raw = {ticks: await self._raw(node, ticks) for ticks in replaced}
        again = fresh
        if any(raw.values()):
            first, last = (ua_time(FileTime.of(ticks)) for ticks in (min(raw), max(raw)))
            again = _by_value(await self._history.edits(node, first, last + MOMENT))
        for ticks, edits in fresh.items():
            if ticks in raw and _prints(again.get(ticks, ())) != _prints(edits):
                continue
            for place, one in enumerate(edits):
                if one.fingerprint in known:
                    continue
                following = edits[place + 1] if place + 1 < len(edits) else None
                envelope = Envelope(
                    sort="edit",
                    data=encode(one.raw.value.data),
                    node=facts,
                    namespaces=self._book.namespaces,
                    modification=encode(one.raw.modification),
                    after=_after(one, following, raw.get(ticks)),
                )
                known.add(one.fingerprint)
                yield EditSeen(
                    received_at=utc_text(self._clock.now_us()),
                    envelope=envelope,
                    fingerprint=one.fingerprint,
                    value_us=FileTime.of(ticks).unix_us,
                )
        served = frozenset(one.fingerprint for edits in found.values() for one in edits)
        since_us = (start - _EPOCH) // timedelta(microseconds=1)
        yield EditsServed(node=facts.id, path=facts.path, since_us=since_us, fingerprints=served)

    async def _raw(self, node: ua.NodeId, ticks: int) -> RawValue | None:
        """What the raw history holds now of that moment."""
        moment, held = ua_time(FileTime.of(ticks)), None
        try:
            async for one in self._history.values(node, moment, moment + MOMENT):
                if isinstance(one, RawValue) and (at := time_of(one.value)) is not None and at.ticks == ticks:
                    held = one
        except UaStatusCodeError:
            return None
        return held

    def _now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self._clock.now_us())


def _by_value(edits: Sequence[RawEdit]) -> dict[int, list[_Edit]]:
    """Edits by the time of their value, those of one value in the order in which they were made.

    The server gives the latest first (Part 11, 6.5.3.3), which decides between edits of one instant.
    """
    found: dict[int, list[_Edit]] = {}
    for raw in reversed(edits):
        made = unpack_modification(raw.modification)
        moment = time_of(raw.value.value)
        one = _Edit(raw=raw, fingerprint=_fingerprint(raw), order=made.at.ticks, update=made.update)
        found.setdefault(moment.ticks if moment is not None else 0, []).append(one)
    return {ticks: sorted(found[ticks], key=lambda one: one.order) for ticks in sorted(found)}


def _prints(edits: Sequence[_Edit]) -> list[str]:
    return [one.fingerprint for one in edits]


def _after(edit: _Edit, following: _Edit | None, raw: RawValue | None) -> str:
    """The value that took the place of an edited one, where that can be told."""
    if edit.update not in _REPLACES:
        return ""
    if following is None:
        return encode(raw.data) if raw is not None else ""
    return "" if following.update == _INSERT else encode(following.raw.value.data)


def _fingerprint(edit: RawEdit) -> str:
    return sha256(b"%d:%b%b" % (len(edit.value.data), edit.value.data, edit.modification)).hexdigest()[:_FINGERPRINT]
