"""Reads what a server keeps of events, values and edits, in bounded pages (Part 11, 6.5).

A server says by a continuation point that there is more. One that cuts an answer off without is asked again from the
last time on, until an answer brings nothing new or is shorter than the one before.
"""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
from asyncua import ua
from asyncua.ua.uaerrors import UaStatusCodeError

from collectors.ot.opcua_binary import (
    FileTime,
    RawEdit,
    RawEvent,
    RawValue,
    Unreadable,
    read_edit_page,
    read_event_page,
    read_value_page,
)
from collectors.ot.opcua_bounds import Refused
from collectors.ot.opcua_fields import FIELDS
from collectors.ot.opcua_values import time_of
from collectors.ot.opcua_wire import BoundedClient

T = TypeVar("T", RawEvent, RawValue)
_PAGE = 1_000
_LARGEST = 16_000
_MOST_EMPTY = 1_000
MOST_EDITS = 20_000
"""So many edits of one node are read at a look."""
MOMENT = timedelta(microseconds=1)
_TIME = FIELDS.index("Time")


class Unserved(Exception):
    """The server does not serve such a history, or not whole; the text says why."""


class _Span(msgspec.Struct, kw_only=True):
    """What is left to be read; it is moved on by pages that are cut off."""

    start: datetime
    end: datetime
    size: int = _PAGE


class History:
    """Reads over one client until `closing` is set."""

    def __init__(self, client: BoundedClient, closing: threading.Event) -> None:
        self._client = client
        self._closing = closing

    async def is_kept(self, node: ua.NodeId) -> bool:
        """Whether the server says that it keeps what a variable held."""
        return ua.AccessLevel.HistoryRead in await self._client.get_node(node).get_access_level()

    async def events(
        self, node: ua.NodeId, event_filter: ua.EventFilter, start: datetime, end: datetime
    ) -> AsyncIterator[RawEvent | Unreadable]:
        """The events of a notifier, oldest first, each once."""

        def details(span: _Span) -> ua.ReadEventDetails:
            return ua.ReadEventDetails(
                NumValuesPerNode=ua.UInt32(span.size),
                StartTime=ua_time(span.start),
                EndTime=ua_time(span.end),
                Filter=event_filter,
            )

        async for one in self._read(node, details, read_event_page, _time_of_event, _Span(start=start, end=end)):
            yield one

    async def values(self, node: ua.NodeId, start: datetime, end: datetime) -> AsyncIterator[RawValue | Unreadable]:
        """What a node held, oldest first, each once."""

        def details(span: _Span) -> ua.ReadRawModifiedDetails:
            return _raw(span.start, span.end, span.size, is_modified=False)

        async for one in self._read(node, details, read_value_page, _time_of_value, _Span(start=start, end=end)):
            yield one

    async def edits(self, node: ua.NodeId, start: datetime, end: datetime) -> list[RawEdit]:
        """All edits of values of that time; raises Unserved."""
        edits: list[RawEdit] = []
        try:
            async for page in self._pages(node, _raw(start, end, _PAGE, is_modified=True)):
                edits += read_edit_page(page.HistoryData)
                if len(edits) > MOST_EDITS:
                    raise Unserved(f"there are more than {MOST_EDITS:,} edits: choose a shorter history_days")
        except UaStatusCodeError as error:
            raise Unserved(f"the server answers {ua.StatusCode(error.code).name}") from None
        except Refused as error:
            raise Unserved(error.reason) from None
        return edits

    async def _read(
        self,
        node: ua.NodeId,
        details: Callable[[_Span], ua.HistoryReadDetails],
        read: Callable[[ua.ExtensionObject], Iterator[T | Unreadable]],
        time_of: Callable[[T], datetime | None],
        span: _Span,
    ) -> AsyncIterator[T | Unreadable]:
        edge, before = set[bytes](), 0
        while True:
            given, count, last, is_continued = set[bytes](), 0, None, False
            async for page in self._pages(node, details(span)):
                is_continued = is_continued or bool(page.ContinuationPoint)
                for one in read(page.HistoryData):
                    count += 1
                    if isinstance(one, Unreadable):
                        yield one
                        continue
                    last = time_of(one) or last
                    given.add(one.data)
                    if one.data not in edge:
                        yield one
            if is_continued or last is None or self._closing.is_set() or count < min(before, span.size):
                return
            if given <= edge:
                if count < span.size or span.size >= _LARGEST:
                    return
                span.size *= 2
            span.start, edge, before = last, given, count

    async def _pages(self, node: ua.NodeId, details: ua.HistoryReadDetails) -> AsyncIterator[ua.HistoryReadResult]:
        """Raises UaStatusCodeError; no data is no page."""
        point: bytes | None = None
        empty = 0
        while not self._closing.is_set() and empty < _MOST_EMPTY:
            item = ua.HistoryReadValueId(NodeId=node, ContinuationPoint=None if point is None else ua.ByteString(point))
            wish = ua.HistoryReadParameters(
                HistoryReadDetails=details,
                TimestampsToReturn=ua.TimestampsToReturn.Both,
                ReleaseContinuationPoints=False,
                NodesToRead=[item],
            )
            results = await self._client.uaclient.history_read(wish)
            if len(results) != 1:
                raise Refused(f"one history was asked for and {len(results)} given")
            results[0].StatusCode.check()
            yield results[0]
            empty = 0 if results[0].HistoryData.Body else empty + 1
            point = results[0].ContinuationPoint
            if not point:
                return


def _raw(start: datetime, end: datetime, size: int, is_modified: bool) -> ua.ReadRawModifiedDetails:
    return ua.ReadRawModifiedDetails(
        IsReadModified=is_modified,
        StartTime=ua_time(start),
        EndTime=ua_time(end),
        NumValuesPerNode=ua.UInt32(size),
        ReturnBounds=False,
    )


def _time_of_event(event: RawEvent) -> datetime | None:
    moment = event.fields[_TIME].Value if len(event.fields) > _TIME else None
    return moment if isinstance(moment, FileTime) and moment.ticks > 0 else None


def _time_of_value(value: RawValue) -> datetime | None:
    return time_of(value.value)


def ua_time(moment: datetime) -> ua.DateTime:
    """The same instant as asyncua's own kind of datetime."""
    return ua.DateTime.combine(moment.date(), moment.timetz())
