"""Rows of an audit table, view or query of any database that SQLAlchemy reaches, in the order of its cursor columns.

Each row is an original of its own (`collectors.it.sql_value`): every digit and type is kept. Rows may turn up late, as
numbers and times are given before a transaction commits, and rows may be amended: the last `window_minutes` of the
table are read again at every run, and each row is handed over once for each form that it had
(`collectors.it.sql_window`). Rows of the window that are there no longer are stated as a gap. Where the mapping takes
`sequence` from a column, its numbers are taken to be free of gaps, and what is missing between them is one.

- Order by a number that rises with every row; a time of the clients' own, or one of whole days, is no order, as rows
  may then come in long after their time. Rows that are equal in all cursor columns come together.
- The session is read-only, statements give a bounded number of rows, and no transaction stays open between them.
- The server's clock is measured by a SELECT; a SQLite file has none of its own.
- Personal columns that Trailseal must not see are left out by a `query`: what is not selected never leaves the source.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

import msgspec

from collectors.base import CheckReport, Option, Secret, Stop, read_cursor
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA, VERSION
from collectors.it.sql_check import check_table, fingerprint, shape
from collectors.it.sql_database import Database, Session
from collectors.it.sql_reader import ROOM, Row, Rows
from collectors.it.sql_value import MEDIA_TYPE, decode, item_row
from collectors.it.sql_window import Cursor, Window, marked, read_memory, settle
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import ConfigError, FatalSource
from ledger.core.record import Interval, Original
from ledger.core.run import Gap, RunBatch, SourceFacts, SourceState
from ledger.core.source import SourceConfig

_SMALL = 2000
"""A memory of so few rows goes along with every batch, a larger one with every `_SOME` batches and the last."""
_SOME = 5
_NAMED = 5


class Sql(MappedCollector):
    """See the module."""

    type = "sql"
    title = "Audit table in a database (SQL)"
    recounts = True
    format: ClassVar[str] = "1"
    tells = (VERSION, SCHEMA)
    options = (
        Option(
            name="url",
            meaning="address without password: postgresql://USER@HOST:PORT/DATABASE, mariadb://, mysql://, "
            "sqlite:////PATH, mssql:// (needs pymssql) or oracle:// (needs oracledb)",
            required=True,
        ),
        Option(name="table", meaning="table or view, SCHEMA.NAME or NAME, written as the database has it"),
        Option(
            name="query", meaning="a SELECT instead of a table, to choose, join or rename columns; no ORDER BY, no `;`"
        ),
        Option(
            name="order",
            meaning="cursor columns, comma-separated: best one number that rises with every row, or a time and what "
            "tells rows of the same time apart",
        ),
        Option(
            name="window_minutes",
            meaning="how long a transaction may take, and for how long an amended row is noticed: rows that were read "
            "in this time are read again",
            default="10",
        ),
        Option(name="window_rows", meaning="the window is at most so many rows", default="10000"),
        Option(name="names", meaning="`lower`: the mapping sees column names in lower case; `as-is`", default="as-is"),
        Option(name="json_columns", meaning="columns of JSON text, comma-separated: the mapping sees what it says"),
        Option(name="fingerprint", meaning="that of the table's columns, as the test says it: another table is fatal"),
    )
    secrets = (Secret(name="password", meaning="the account's password; a file has none", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._window_us = int(self.number("window_minutes", 0, 7 * 1440) * 60_000_000)
        self._most = int(self.number("window_rows", 100, 50_000))
        self._lower = _choice(self.option("names"), config.id)
        self._database = Database(config.id, self.option("url"), self.secret("password"))
        order = read_list(self.option("order"))
        site = "table" in config.options or "query" in config.options
        table, query = (config.options.get(name, "") if site else self.option(name) for name in ("table", "query"))
        query = query.strip().rstrip(";")
        _check_source(config.id, table, query, order)
        self._rows = Rows(table, query, order)
        self._json = read_list(self.option("json_columns"))
        self._numbered = self.mapping.record.sequence is not None

    def item(self, original: Original) -> Item:
        """`table`, `row` (column → value), `digest` (an id for rows that have none), `twin` (how many rows before it
        are the same in every cell).
        """
        envelope = decode(original.data)
        row = item_row(envelope.row, self._lower)
        for name in self._json:
            row[name] = _parsed(row.get(name))
        digest = msgspec.structs.replace(envelope, twin=0).digest()
        return {"table": envelope.table, "row": row, "digest": digest, "twin": envelope.twin}

    def check(self) -> CheckReport:
        return check_table(self._database, self._rows, self._window_us, self.option("fingerprint"), self.clock)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        cursor = read_cursor(state.cursor, Cursor, self.config.id) or Cursor(order=self._rows.order)
        if cursor.order != self._rows.order:
            raise FatalSource(
                f"source {self.config.id!r} was read in the order of {', '.join(cursor.order)} until now",
                advice="Set `order` back, or register the source anew under another id.",
            )
        now_us = self.clock.now_us()
        cursor, memory = settle(cursor, read_memory(state), now_us, self._window_us)
        with self._database.session(self.clock) as session:
            self._require_shape(session)
            yield from _Run(self, state, cursor, Window(cursor, memory, self._most, now_us)).batches(session, stop)

    def _require_shape(self, session: Session) -> None:
        wanted = self.option("fingerprint")
        if wanted and fingerprint(found := shape(session, self._rows)) != wanted:
            raise FatalSource(
                f"the columns of {self._rows.label} are not those of fingerprint {wanted}: {found}",
                advice="See whether the mapping still fits, then set the option `fingerprint` to what the test says.",
            )


class _Run:
    """One run: its place between the state that it started from and the batch that comes next."""

    def __init__(self, of: Sql, state: SourceState, cursor: Cursor, window: Window) -> None:
        self._of = of
        self._text = state.cursor
        self._since = state.last_run_ended_at
        self._snapshot = state.snapshot
        self._cursor = cursor
        self._window = window
        self._missed = 0
        self._size = 0
        self._unkept = 0

    def batches(self, session: Session, stop: Stop) -> Iterator[RunBatch]:
        builder = self._builder(session)
        columns = fingerprint(shape(session, self._of._rows))
        builder.facts = SourceFacts(version=session.product or None, schema=columns)
        try:
            for group in self._of._rows.groups(session, self._cursor.floor):
                for row, twin in self._window.fresh(group):
                    self._add(builder, row, twin)
                    if builder.full or self._size > ROOM:
                        yield self._build(builder)
                        builder = self._builder(session)
                if stop.is_set():
                    yield self._build(builder, keep=True)
                    return
        except Exception:
            if len(builder):
                yield self._build(builder, keep=True)
            raise
        self._window.finish()
        yield self._build(builder, keep=True, whole=True)

    def _builder(self, session: Session) -> BatchBuilder:
        self._size = 0
        return BatchBuilder(self._of.config.id, self._of.clock, self._of.derive, session.source_clock)

    def _add(self, builder: BatchBuilder, row: Row, twin: int) -> None:
        received = utc_text(self._of.clock.now_us())
        self._window.taken(row)
        self._size += len(row.data)
        if row.envelope is None:
            builder.reject(row.data, "text/plain", row.unreadable, received)
            self._missed += 1
            return
        data = msgspec.structs.replace(row.envelope, twin=twin).encode() if twin else row.data
        record = builder.add(self._of.original(data, MEDIA_TYPE), received)
        if record is None:
            self._missed += 1
        elif self._of._numbered and record.source_sequence is not None:
            self._count(builder, record.source_sequence, received)

    def _count(self, builder: BatchBuilder, sequence: str, received: str) -> None:
        """States what lies between this number and the highest before it, unless rejected rows may be just that."""
        if not sequence.isascii() or not sequence.isdecimal():
            return
        number, before = int(sequence), self._cursor.number
        if before is None or number > int(before):
            missing = 0 if before is None else number - int(before) - 1
            if missing > self._missed:
                span = f"{int(before or 0) + 1}" if missing == 1 else f"{int(before or 0) + 1} to {number - 1}"
                reason = f"the source numbers its rows without gaps, and {missing} are not there: {span}"
                builder.gaps.append(self._gap(reason, received))
            self._missed = 0
            self._cursor = msgspec.structs.replace(self._cursor, number=sequence)

    def _gap(self, reason: str, before: str) -> Gap:
        after = min(self._since or before, before)
        return Gap(subject=self._of._rows.label, reason=reason, between=Interval(after=after, before=before))

    def _build(self, builder: BatchBuilder, keep: bool = False, whole: bool = False) -> RunBatch:
        """The batch; with a new floor and snapshot where they are small, or `keep` says that they matter now."""
        now = utc_text(self._of.clock.now_us())
        if whole and self._window.gone:
            builder.gaps.append(self._gap(_gone(self._window.gone), now))
        self._unkept += 1
        cursor, snapshot = self._cursor, None
        if keep or len(self._window) <= _SMALL or self._unkept >= _SOME:
            self._unkept = 0
            floor, kept = self._window.state()
            snapshot = None if kept == self._snapshot else kept
            self._snapshot = kept
            cursor = self._cursor = msgspec.structs.replace(cursor, floor=floor)
        if whole:
            marks = marked(cursor.marks, self._window.last, now, self._of._window_us)
            cursor = msgspec.structs.replace(cursor, at=now, marks=marks)
        text = msgspec.json.encode(cursor).decode()
        batch = builder.build(self._text, text, snapshot)
        self._text = text
        return batch


def _parsed(value: object) -> object:
    """What a JSON text says, decimals as such; a value that is none as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal)
    except (ValueError, RecursionError):
        return value


def _gone(places: list[str]) -> str:
    named = ", ".join("/".join(str(cell[1]) for cell in msgspec.json.decode(place)) for place in places[:_NAMED])
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return f"rows that were collected are no longer there: {named}{more}"


def _choice(names: str, source: str) -> bool:
    if names not in ("lower", "as-is"):
        raise ConfigError(f"source {source!r}: option 'names' is {names!r}", advice="Use lower or as-is.")
    return names == "lower"


def _check_source(source: str, table: str, query: str, order: tuple[str, ...]) -> None:
    if bool(table) == bool(query):
        raise ConfigError(
            f"source {source!r} names {'both' if table else 'neither'} of `table` and `query`",
            advice="Set one of them; either takes the place of what the mapping says.",
        )
    if query and (query.split(None, 1)[0].lower() not in ("select", "with") or ";" in query):
        raise ConfigError(f"source {source!r}: option 'query' is not one SELECT", advice="Write a single SELECT.")
    if not order:
        raise ConfigError(
            f"source {source!r} has no `order`: there is no saying which rows are new",
            advice="Name the column that rises with every row, for instance `--option order=id`.",
        )
