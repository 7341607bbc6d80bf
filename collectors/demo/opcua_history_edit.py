"""Lets clients edit the history of values, and says afterwards who did (OPC UA Part 11, 6.5.3.3 and 6.9).

asyncua's server knows no modified history: asked for it, it gives the raw one. A HistoryUpdate it does not dispatch.
So its history manager and its request processor are derived from here:

- UpdateDataDetails inserts, replaces or both; DeleteRawModifiedDetails deletes raw values, never edits.
- Of an insert the modified history keeps the new value, of a replacement and a deletion the old one; all edits of a
  value are kept, the latest first. A value that was there before nothing was edited is in no modified history.
- ReadRawModifiedDetails with IsReadModified gives continuation points.
"""

from datetime import datetime
from struct import pack, unpack
from typing import Any

import msgspec
from asyncua import ua
from asyncua.server import binary_server_asyncio
from asyncua.server.history import HistoryManager
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes
from asyncua.ua.ua_binary import struct_from_binary

from collectors.demo.opcua_history import PlantHistory, bounds, columns, from_us, to_us, value_of
from collectors.demo.opcua_ids import standard_id, status_of

_REQUEST = standard_id(ObjectIds.HistoryUpdateRequest_Encoding_DefaultBinary)
_INSERT, _REPLACE = ua.PerformUpdateType.Insert, ua.PerformUpdateType.Replace
_MOST = 1_000
_COLUMNS = "source_us, server_us, status, variant"


class Edited(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an edit: of the whole, of each value, and the values that were replaced or deleted."""

    status: ua.StatusCode
    each: tuple[ua.StatusCode, ...] = ()
    old: tuple[ua.DataValue, ...] = ()

    @property
    def outcome(self) -> ua.StatusCode:
        """The first thing that went wrong, or good."""
        return next((one for one in (self.status, *self.each) if not one.is_good()), ua.StatusCode())


def edit(
    history: PlantHistory, details: ua.UpdateDataDetails | ua.DeleteRawModifiedDetails, user: str, at: datetime
) -> Edited:
    """Edits and keeps the edit, both or neither."""
    with history.db:
        editor = _Editor(history, details.NodeId.to_string(), user, to_us(at))
        if isinstance(details, ua.DeleteRawModifiedDetails):
            return editor.delete(details)
        return editor.update(details)


class _Editor:
    def __init__(self, history: PlantHistory, node: str, user: str, at_us: int) -> None:
        self._db = history.db
        self._node = node
        self._user = user
        self._at_us = at_us

    def update(self, details: ua.UpdateDataDetails) -> Edited:
        each, old = [], []
        for value in details.UpdateValues:
            code, held = self._update_one(details.PerformInsertReplace, value)
            each.append(status_of(code))
            old += [] if held is None else [held]
        return Edited(status=ua.StatusCode(), each=tuple(each), old=tuple(old))

    def delete(self, details: ua.DeleteRawModifiedDetails) -> Edited:
        """From the start on up to, but not, the end (Part 11, 6.9.5)."""
        if details.IsDeleteModified:
            return Edited(status=status_of(StatusCodes.BadHistoryOperationUnsupported))
        span = (self._node, to_us(details.StartTime), to_us(details.EndTime))
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM value WHERE node = ? AND source_us >= ? AND source_us < ? ORDER BY source_us, id",
            span,
        ).fetchall()
        if not rows:
            return Edited(status=status_of(StatusCodes.BadNoData))
        self._db.execute("DELETE FROM value WHERE node = ? AND source_us >= ? AND source_us < ?", span)
        for row in rows:
            self._keep(row, ua.HistoryUpdateType.Delete)
        return Edited(status=ua.StatusCode(), old=tuple(value_of(*row) for row in rows))

    def _update_one(self, way: ua.PerformUpdateType, value: ua.DataValue) -> tuple[int, ua.DataValue | None]:
        try:
            new = columns(value)
        except ValueError:
            return StatusCodes.BadInvalidTimestamp, None
        old = self._db.execute(
            f"SELECT {_COLUMNS} FROM value WHERE node = ? AND source_us = ? ORDER BY id DESC", (self._node, new[0])
        ).fetchone()
        if old is None:
            if way == _REPLACE:
                return StatusCodes.BadNoEntryExists, None
            self._keep(new, ua.HistoryUpdateType.Insert)
        elif way == _INSERT:
            return StatusCodes.BadEntryExists, None
        else:
            kind = ua.HistoryUpdateType.Replace if way == _REPLACE else ua.HistoryUpdateType.Update
            self._keep(old, kind)
            self._db.execute("DELETE FROM value WHERE node = ? AND source_us = ?", (self._node, new[0]))
        self._db.execute(
            "INSERT INTO value (node, source_us, server_us, status, variant) VALUES (?, ?, ?, ?, ?)",
            (self._node, *new),
        )
        code = StatusCodes.GoodEntryInserted if old is None else StatusCodes.GoodEntryReplaced
        return code, None if old is None else value_of(*old)

    def _keep(self, row: tuple[int, int, int, bytes], kind: ua.HistoryUpdateType) -> None:
        self._db.execute(
            "INSERT INTO edit (node, source_us, server_us, status, variant, modified_us, kind, user)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._node, *row, self._at_us, kind.value, self._user),
        )


class EditedHistory(HistoryManager):
    """asyncua's history manager, which also gives the modified history."""

    async def _read_history(self, details: Any, rv: ua.HistoryReadValueId) -> ua.HistoryReadResult:
        if isinstance(details, ua.ReadRawModifiedDetails) and details.IsReadModified:
            return self._read_modified(details, rv)
        return await super()._read_history(details, rv)

    def _read_modified(self, details: ua.ReadRawModifiedDetails, asked: ua.HistoryReadValueId) -> ua.HistoryReadResult:
        assert isinstance(self.storage, PlantHistory), "the plant keeps its history there"
        low, high, order = bounds(details.StartTime, details.EndTime)
        latest_first = "DESC" if order == "ASC" else "ASC"
        skipped = unpack("<q", asked.ContinuationPoint)[0] if asked.ContinuationPoint else 0
        size = min(details.NumValuesPerNode or _MOST, _MOST)
        rows = self.storage.db.execute(
            f"SELECT {_COLUMNS}, modified_us, kind, user FROM edit WHERE node = ? AND source_us BETWEEN ? AND ?"
            f" ORDER BY source_us {order}, modified_us {latest_first}, id {latest_first} LIMIT ? OFFSET ?",
            (asked.NodeId.to_string(), low, high, size + 1, skipped),
        ).fetchall()
        given = rows[:size]
        data = ua.HistoryModifiedData(
            DataValues=[value_of(*row[:4]) for row in given],
            ModificationInfos=[
                ua.ModificationInfo(from_us(modified_us), ua.HistoryUpdateType(kind), user)
                for *_, modified_us, kind, user in given
            ],
        )
        point = ua.ByteString(pack("<q", skipped + size)) if len(rows) > size else None
        return ua.HistoryReadResult(HistoryData=data, ContinuationPoint=point)


class _Processor(UaProcessor):
    """asyncua's processor of requests, which also takes a HistoryUpdate."""

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        if typeid != _REQUEST:
            return await super()._process_message(typeid, requesthdr, seqhdr, body)  # type: ignore[no-untyped-call]
        if self.session is None or not self.session.is_activated():
            raise ua.uaerrors.BadUserAccessDenied
        params = struct_from_binary(ua.HistoryUpdateParameters, body)
        response = ua.HistoryUpdateResponse()
        response.Results = await self.session.history_update(params)
        self.send_response(requesthdr.RequestHandle, seqhdr, response)  # type: ignore[no-untyped-call]
        return True


def serve_history_updates() -> None:
    """To be called before the server starts: asyncua makes its processors by this name."""
    vars(binary_server_asyncio)["UaProcessor"] = _Processor
