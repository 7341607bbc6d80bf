"""Keeps the control system's history of values, edits and events in one SQLite file, so that all outlive a restart.

asyncua's own SQLite history takes only numeric node ids and files an event under the node it speaks of, not under the
node that a client asks (the Server object); hence this storage. Values and event fields are kept in OPC UA's binary
encoding, so what a client reads back is what was once sent. How values are edited afterwards stands in
`collectors/demo/opcua_history_edit.py`.
"""

import base64
import json
import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asyncua import ua
from asyncua.common.events import Event
from asyncua.common.node import Node
from asyncua.common.utils import Buffer
from asyncua.server.address_space import AddressSpace
from asyncua.server.history import HistoryStorageInterface
from asyncua.server.monitored_item_service import WhereClauseEvaluator
from asyncua.ua.ua_binary import variant_from_binary, variant_to_binary

from collectors.demo.opcua_ids import status_of, ua_time

_log = logging.getLogger(__name__)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS value (
    id INTEGER PRIMARY KEY, node TEXT NOT NULL, source_us INTEGER NOT NULL, server_us INTEGER NOT NULL,
    status INTEGER NOT NULL, variant BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS value_by_node ON value (node, source_us);
CREATE TABLE IF NOT EXISTS edit (
    id INTEGER PRIMARY KEY, node TEXT NOT NULL, source_us INTEGER NOT NULL, server_us INTEGER NOT NULL,
    status INTEGER NOT NULL, variant BLOB NOT NULL,
    modified_us INTEGER NOT NULL, kind INTEGER NOT NULL, user TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS edit_by_node ON edit (node, source_us);
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, time_us INTEGER NOT NULL, fields TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS event_by_source ON event (source, time_us);
"""


def to_us(moment: datetime) -> int:
    """Microseconds since the Unix epoch; asyncua gives some times without saying that they are UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> ua.DateTime:
    """The instant that `to_us` counted."""
    return ua_time(_EPOCH + timedelta(microseconds=instant_us))


class PlantHistory(HistoryStorageInterface):
    """History Access of the demo server: bounds are inclusive, an answer is whole unless the client limits it."""

    def __init__(self, path: Path, address_space: AddressSpace) -> None:
        super().__init__()
        self._address_space = address_space
        self.db = sqlite3.connect(path)
        self.db.executescript(_SCHEMA)

    async def init(self) -> None:
        """Nothing is left to do: the file is open since construction."""

    async def stop(self) -> None:
        self.db.close()

    async def new_historized_node(self, node_id: ua.NodeId, period: timedelta | None, count: int = 0) -> None:
        """One table serves every node: nothing to prepare."""

    async def new_historized_event(
        self, source_id: ua.NodeId, evtypes: list[Node], period: timedelta | None, count: int = 0
    ) -> None:
        """One table serves every source: nothing to prepare."""

    async def save_node_value(self, node_id: ua.NodeId, datavalue: ua.DataValue) -> None:
        with self.db:
            self.db.execute(
                "INSERT INTO value (node, source_us, server_us, status, variant) VALUES (?, ?, ?, ?, ?)",
                (node_id.to_string(), *columns(datavalue)),
            )

    async def save_event(self, event: Event) -> None:
        fields = {
            name: base64.b64encode(variant_to_binary(ua.Variant(value, kind))).decode("ascii")
            for name, kind in event.data_types.items()
            if (value := getattr(event, name)) is not None
        }
        time: datetime = event.Time  # type: ignore[attr-defined]
        with self.db:
            self.db.execute(
                "INSERT INTO event (source, time_us, fields) VALUES (?, ?, ?)",
                (event.emitting_node.to_string(), to_us(time), json.dumps(fields)),
            )

    async def read_node_history(
        self, node_id: ua.NodeId, start: datetime | None, end: datetime | None, nb_values: int
    ) -> tuple[list[ua.DataValue], datetime | None]:
        low, high, order = bounds(start, end)
        rows = self.db.execute(
            f"SELECT source_us, server_us, status, variant FROM value WHERE node = ?"
            f" AND source_us BETWEEN ? AND ? ORDER BY source_us {order}, id {order} LIMIT ?",
            (node_id.to_string(), low, high, nb_values or -1),
        ).fetchall()
        return [value_of(*row) for row in rows], None

    async def read_event_history(
        self,
        source_id: ua.NodeId,
        start: datetime | None,
        end: datetime | None,
        nb_values: int,
        evfilter: ua.EventFilter,
    ) -> tuple[list[Event], datetime | None]:
        low, high, order = bounds(start, end)
        wanted = WhereClauseEvaluator(_log, self._address_space, evfilter.WhereClause)
        events: list[Event] = []
        rows = self.db.execute(
            f"SELECT fields FROM event WHERE source = ?"
            f" AND time_us BETWEEN ? AND ? ORDER BY time_us {order}, id {order}",
            (source_id.to_string(), low, high),
        )
        for (fields,) in rows:
            event = Event.from_field_dict(
                {name: variant_from_binary(Buffer(base64.b64decode(text))) for name, text in json.loads(fields).items()}
            )
            if wanted.eval(event):
                events.append(event)
            if nb_values and len(events) == nb_values:
                break
        return events, None

    def last_value(self, node_id: ua.NodeId) -> ua.DataValue | None:
        """The newest kept value of a node, or null; what a tag holds when the server starts again."""
        row = self.db.execute(
            "SELECT source_us, server_us, status, variant FROM value WHERE node = ?"
            " ORDER BY source_us DESC, id DESC LIMIT 1",
            (node_id.to_string(),),
        ).fetchone()
        return None if row is None else value_of(*row)


def columns(value: ua.DataValue) -> tuple[int, int, int, bytes]:
    """A value as the tables hold it: source time, server time, status, variant."""
    if value.Value is None or value.SourceTimestamp is None or value.ServerTimestamp is None:
        raise ValueError("history needs a value with both time stamps")
    status = value.StatusCode.value if value.StatusCode is not None else 0
    return to_us(value.SourceTimestamp), to_us(value.ServerTimestamp), status, variant_to_binary(value.Value)


def value_of(source_us: int, server_us: int, status: int, variant: bytes) -> ua.DataValue:
    """The value that `columns` made columns of."""
    return ua.DataValue(
        variant_from_binary(Buffer(variant)),
        StatusCode=status_of(status),
        SourceTimestamp=from_us(source_us),
        ServerTimestamp=from_us(server_us),
    )


def bounds(start: datetime | None, end: datetime | None) -> tuple[int, int, str]:
    """Part 11, 6.4.3.2: no start, or an end before the start, reads backwards in time."""
    null = to_us(ua.get_win_epoch())
    first = null if start is None else to_us(start)
    last = null if end is None else to_us(end)
    if first == null:
        return null, last if last != null else 2**62, "DESC"
    if last == null:
        return first, 2**62, "ASC"
    if first <= last:
        return first, last, "ASC"
    return last, first, "DESC"
