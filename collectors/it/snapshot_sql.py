"""A table or query without an audit trail, in any database that SQLAlchemy reaches: looks at its rows and compares.

A row is an object, named by its key columns; its state is every column with its type and digits
(`collectors.it.sql_value`), but for those that the option `ignore` names, which never leave the database server's
answer. All rows are read by one statement, so a look is consistent in itself; the session is read-only.

- Where the table counts the changes of a row (option `count`), a row that was changed more than once between two looks
  is marked so; where it keeps the time of the last change (option `modified`), that is the time of the record.
- What is not selected is not seen: leave personal columns out by a `query`.
- The server's clock is measured by a SELECT; a SQLite file has none of its own.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import literal_column, select, table, text
from sqlalchemy.sql import Select

from collectors.base import Check, CheckReport, Option, Secret, Stop, judge_clock
from collectors.compare.collector import UNSEEN, ComparingCollector, Stopped, baseline_option
from collectors.compare.look import Found, Look, Refused
from collectors.compare.memory import Memory
from collectors.compare.record import Shown
from collectors.facts import SCHEMA, VERSION, facts
from collectors.it.sql_check import fingerprint, shape
from collectors.it.sql_database import Database, Session
from collectors.it.sql_reader import Rows
from collectors.it.sql_value import Named, item_row, to_cell
from collectors.mapping.expression import Item
from collectors.mapping.moments import Moment, compile_moment
from collectors.options import read_list
from collectors.text import render
from ledger.core.clock import WallClock, utc_text
from ledger.core.errors import CollectorError, ConfigError, FatalSource
from ledger.core.source import SourceConfig

_FETCH = 500
_Row = tuple[Named, ...]


class SnapshotSql(ComparingCollector):
    """See the module."""

    type = "snapshot-sql"
    title = "Table or query in a database (snapshot and compare)"
    format = "1"
    lacks = UNSEEN
    tells = (VERSION, SCHEMA)
    options = (
        Option(
            name="url",
            meaning="address without password: postgresql://USER@HOST:PORT/DATABASE, mariadb://, mysql://, "
            "sqlite:////PATH, mssql:// or oracle://",
            required=True,
        ),
        Option(name="table", meaning="table or view, SCHEMA.NAME or NAME, written as the database has it"),
        Option(name="query", meaning="a SELECT instead of a table, to choose, join or rename columns; no `;`"),
        Option(name="key", meaning="columns that name a row, comma-separated", required=True),
        Option(name="object", meaning="what a row is called in records; without it: the table's name, or row"),
        Option(name="name", meaning="column with a name that people know a row by"),
        Option(name="ignore", meaning="columns that are not compared and not kept, comma-separated"),
        Option(name="modified", meaning="column with the time at which a row was last changed"),
        Option(name="count", meaning="column that counts the changes of a row (a version number)"),
        baseline_option("one"),
    )
    secrets = (Secret(name="password", meaning="the account's password; a file has none", required=False),)

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._table, self._query = self.option("table"), self.option("query")
        if bool(self._table) == bool(self._query) or ";" in self._query:
            raise ConfigError(
                f"source {config.id!r}: needs a table or a query without `;`, and not both",
                advice="Set one of the options `table` and `query`.",
            )
        self._key, self._ignore = read_list(self.option("key")), frozenset(read_list(self.option("ignore")))
        if shared := sorted(self._ignore & {*self._key, self.option("modified"), self.option("count")}):
            raise ConfigError(
                f"source {config.id!r}: column {shared[0]!r} is ignored and used at once",
                advice="Take it out of the option `ignore`.",
            )
        self._kind = self.option("object") or self._table.rpartition(".")[2] or "row"
        self._database = Database(config.id, self.option("url"), self.secret("password"))
        modified = self.option("modified")
        quoted = json.dumps(modified)
        self._moment = compile_moment(Moment(at=quoted), config.zone, "option modified") if modified else None

    @property
    def scope(self) -> str:
        columns = ",".join(self._key)
        return "\n".join((self._database.place, self._table or self._query, columns, self._kind))

    def show(self, kind: str, identity: str, state: Item, facts: Mapping[str, str]) -> Shown:
        row = item_row(msgspec.convert(state["row"], _Row), lower=False)
        name, count = row.get(self.option("name")), row.get(self.option("count"))
        return Shown(
            attributes=row,
            name=None if name is None else str(render(name)),
            moment=None if self._moment is None else self._moment(row),
            count=count if isinstance(count, int) and not isinstance(count, bool) else None,
        )

    def check(self) -> CheckReport:
        checks: list[Check] = []
        clock = None
        try:
            with self._database.session(self.clock) as session:
                whose = self._database.account or "no account"
                checks.append(Check(name="connection", ok=True, says=f"{session.product} answers {whose}"))
                checks.append(Check(name="read-only", ok=True, says=self._database.kind.read_only))
                clock = session.source_clock
                look = Look(utc_text(self.clock.now_us()))
                self._read(session, look, None)
                checks.append(_judge_rows(look, self._kind, self._key))
        except CollectorError as error:
            name = "read" if checks else "connection"
            checks.append(Check(name=name, ok=False, says=error.message, advice=error.advice))
        else:
            checks.append(judge_clock(clock))
        return CheckReport(checks=tuple(checks), clock=clock)

    def look(self, stop: Stop, known: Memory) -> Look:
        look = Look(utc_text(self.clock.now_us()))
        look.listed.add(self._kind)
        with self._database.session(self.clock) as session:
            look.clock = session.source_clock
            columns = shape(session, Rows(self._table, self._query, self._key))
            look.facts = facts(version=session.product, schema=fingerprint(columns))
            self._read(session, look, stop)
        look.ended = utc_text(self.clock.now_us())
        return look

    def _read(self, session: Session, look: Look, stop: Stop | None) -> None:
        with session.connection.begin():
            options = {"stream_results": True, "max_row_buffer": _FETCH, "yield_per": _FETCH}
            result = session.connection.execute(self._select(), execution_options=options)
            assert result.cursor is not None, "a SELECT gives a cursor"
            names = [str(described[0]) for described in result.cursor.description]
            utc = session.utc_columns([described[1] for described in result.cursor.description])
            keys = self._places(names)
            for values in result:
                if stop is not None and stop.is_set():
                    raise Stopped
                self._take(look, names, keys, _zoned(values, utc))
            result.close()

    def _select(self) -> Select[Any]:
        if self._query:
            source: Any = text(f"({self._query.replace(':', chr(92) + ':')}) q")  # no query here has parameters
        else:
            schema, _, plain = self._table.rpartition(".")
            source = table(plain, schema=schema or None)
        return select(literal_column("*")).select_from(source)

    def _places(self, names: Sequence[str]) -> list[int]:
        wanted = [*self._key, self.option("name"), self.option("modified"), self.option("count")]
        if lacking := [name for name in wanted if name and name not in names]:
            raise FatalSource(
                f"there is no column {lacking[0]!r} in the {self._kind} rows at {self._database.place}",
                advice=f"The columns are: {', '.join(names)}.",
            )
        return [names.index(name) for name in self._key]

    def _take(self, look: Look, names: Sequence[str], keys: Sequence[int], values: Sequence[object]) -> None:
        try:
            cells = [(name, to_cell(value)) for name, value in zip(names, values, strict=True)]
        except TypeError as error:
            self._refuse(look, names, values, str(error))
            return
        parts = [value if isinstance(value, str) else render(value) for value in (values[place] for place in keys)]
        if any(part is None for part in parts):
            self._refuse(look, names, values, "a key column is null, so nothing names the row")
            return
        row = [[name, cell.sort, cell.value] for name, cell in cells if name not in self._ignore]
        look.add(Found(type=self._kind, id=_identity(parts), state=_as_json({"row": row})))

    def _refuse(self, look: Look, names: Sequence[str], values: Sequence[object], reason: str) -> None:
        data = repr(dict(zip(names, values, strict=True))).encode("utf-8", "backslashreplace")
        look.refused.append(Refused(data=data, media_type="text/plain", reason=reason))


def _identity(parts: Sequence[object]) -> str:
    """The key as one text; of several columns each is escaped, so that no two keys give the same."""
    texts = [json.dumps(part) if isinstance(part, bool) else str(part) for part in parts]
    if len(texts) == 1:
        return texts[0]
    return "/".join(one.replace("%", "%25").replace("/", "%2F") for one in texts)


def _as_json(state: Mapping[str, object]) -> str:
    """With escapes where a text holds what UTF-8 has no bytes for (a lone surrogate)."""
    return json.dumps(state, ensure_ascii=True, separators=(",", ":"))


def _zoned(values: Sequence[object], utc: Sequence[int]) -> list[object]:
    """Times that are UTC although the driver gives them without a zone, with it."""
    found = list(values)
    for place in utc:
        value = found[place]
        if isinstance(value, datetime) and value.tzinfo is None:
            found[place] = value.replace(tzinfo=UTC)
    return found


def _judge_rows(look: Look, kind: str, key: Sequence[str]) -> Check:
    says = f"{len(look)} {kind} rows, each named by {', '.join(key)}"
    if look.refused:
        return Check(
            name="rows",
            ok=False,
            says=f"{says}; {len(look.refused)} cannot be read: {look.refused[0].reason}",
            advice="Choose a key that every row has, and leave out by a query what cannot be read.",
        )
    return Check(name="rows", ok=True, says=says)
