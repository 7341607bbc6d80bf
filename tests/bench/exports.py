"""Exports against the raw driver reading the same rows: who did what to what and when, of the search's own table; all
columns of that table; and the page's own, for which each entry is read.

What is measured is the whole of a request, from the application's entry to the last byte that it would send.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from litestar import Litestar

from ledger.people.access import Scope
from ledger.service import Service
from ledger.store.bulk import Bulk
from ledger.store.position import pos_of
from ledger.trace.columns import COLUMNS, Column, chosen
from reports.exports import Format
from tests.bench.growing import grow
from tests.bench.harness import AUTHORITY, LOG, Bench, Database
from tests.support.application import app_of, give_back

ROWS: Final = 100_000
TURNS: Final = 5
OF_THE_TABLE: Final = tuple(
    column for column in COLUMNS.values() if not (column.body or column.leaf or column.person or column.place)
)
WHO_WHAT_WHEN: Final = chosen("index,occurred_at_utc,source,action,outcome,account,object_type,object_id")
SETS: Final = (
    (WHO_WHAT_WHEN, "", "≥ 0.5"),
    (OF_THE_TABLE, "_table", "reported"),
    (chosen(None), "_default", "reported"),
)


def measure(bench: Bench, database: Database, service: Service) -> None:
    """Adds export.*.csv and .jsonl, and the same of the other sets of columns."""
    grow(service, ROWS)
    service.people.create_account("exports", "Exports", "bench", AUTHORITY)
    token = service.people.grant("exports", [Scope.EXPORT], "bench", AUTHORITY).token
    app = app_of(service)
    try:
        for columns, name, wanted in SETS:
            _of_columns(bench, f"export.{database.name}", service, app, token, columns, name, wanted)
    finally:
        give_back(app)


def _of_columns(
    bench: Bench,
    at: str,
    service: Service,
    app: Litestar,
    token: str,
    columns: tuple[Column, ...],
    name: str,
    wanted: str,
) -> None:
    ways: dict[str, Callable[[], object]] = {"raw": lambda: _raw(service, columns)}
    for format_ in (Format.CSV, Format.JSONL):
        ways[format_] = lambda format_=format_: _export(app, token, columns, format_)  # type: ignore[misc]
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, work in ways.items():
            started = time.perf_counter()
            work()
            spent[way].append(time.perf_counter() - started)
    raw, *others = ((way, statistics.median(times)) for way, times in spent.items())
    for way, seconds in others:
        bench.add(
            f"{at}.{way}{name}",
            raw[1] / seconds,
            wanted,
            f"{ROWS / seconds:,.0f} records/s, {ROWS / raw[1]:,.0f} by the driver, {len(columns)} columns",
        )


def _export(app: Litestar, token: str, columns: tuple[Column, ...], format_: Format) -> None:
    asked = urlencode({"format": format_, "columns": ",".join(one.name for one in columns), "size": ROWS})
    assert asyncio.run(_sent(app, token, asked.encode())) > ROWS * 9 // 10 * len(columns)


async def _sent(app: Litestar, token: str, asked: bytes) -> int:
    """How many bytes the application sends as its answer."""
    path, sent, asking, whole = "/api/v1/logs/records/search/export", 0, True, asyncio.Event()

    async def receive() -> Any:
        nonlocal asking
        if asking:
            asking = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await whole.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal sent
        assert message.get("status", 200) == 200, message
        sent += len(message.get("body", b""))
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            whole.set()

    scope: Any = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": asked, "root_path": "",
        "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())],
        "client": ("127.0.0.1", 1), "server": ("localhost", 80), "extensions": {},
    }  # fmt: skip
    await app(scope, receive, send)
    return sent


def _raw(service: Service, columns: tuple[Column, ...]) -> None:
    names = dict.fromkeys(name for column in columns for name in column.reads)
    reads = "".join(f", record.{name}" for name in names)
    entry = any(column.body for column in columns)
    sql = f"SELECT record.pos{reads}{', leaf.data, body.salt, body.body' if entry else ''} FROM record"
    sql += " JOIN leaf ON leaf.pos = record.pos JOIN body ON body.pos = record.pos" if entry else ""
    sql += " WHERE record.pos >= ? AND record.pos < ? ORDER BY record.pos DESC"
    with service.store.reading() as connection:
        rows = Bulk(connection).all(sql, (pos_of(LOG, 0), pos_of(LOG, ROWS)))
    assert len(rows) > ROWS * 9 // 10
