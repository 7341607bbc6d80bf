"""The logs of a ledger: how one begins, and the table that lists them."""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from ledger.core.address import LogId
from ledger.core.entry import Entry
from ledger.core.errors import NotFound
from ledger.core.hashing import ZERO_HASH
from ledger.core.kinds import Kind
from ledger.core.log_created import LogCreated, LogCreated2
from ledger.core.projector import Row
from ledger.store import schema
from ledger.store.append import ClockStep
from ledger.store.bulk import Bulk
from ledger.store.position import SYSTEM_LOG as SYSTEM_LOG


class LogProjector:
    """The list of logs, from the entry 0 of each."""

    name = "log"
    version = 1
    kinds = frozenset({"log-created"})
    tables = ("ledger_log",)

    def rows(self, entry: Entry) -> Iterable[Row]:
        created: LogCreated = entry.body
        yield "ledger_log", (entry.log, created.name, created.origin)


__all__ = ["LogCreated", "LogCreated2"]

LOG_CREATED = Kind("log-created", [LogCreated, LogCreated2])
CLOCK_STEP = Kind("clock-step", [ClockStep])


def read_logs(connection: Connection) -> list[LogId]:
    """All logs of the ledger, by number."""
    rows = connection.execute(select(schema.ledger_log).order_by(schema.ledger_log.c.number))
    return [LogId(number=row.number, name=row.name, origin=row.origin) for row in rows]


def begin(connection: Connection, number: int) -> None:
    """Gives a log its head: the empty tree. Its first append is then the `log-created` entry."""
    Bulk(connection).insert(schema.head, [(number, 0, ZERO_HASH, 0, b"")], 1)


def choose(logs: Iterable[LogId], name: str | None) -> LogId:
    """The log of that name or origin; without a name, the only record log. Raises NotFound, naming what there is."""
    known = list(logs)
    if name is None:
        records = [log for log in known if log.number != SYSTEM_LOG]
        if len(records) == 1:
            return records[0]
        raise NotFound("this ledger has several record logs", advice=f"Name one: {_names(records)}.")
    for log in known:
        if name in (log.name, log.origin):
            return log
    raise NotFound(f"this ledger has no log {name!r}", advice=f"It has: {_names(known)}.")


def _names(logs: Iterable[LogId]) -> str:
    return ", ".join(log.name for log in logs)
