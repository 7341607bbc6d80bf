"""Dumps of `pg_dump` (COPY or INSERT), `mysqldump` (MariaDB, MySQL) and SQLite's `.dump`, read as they come."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from collectors.archive import sql_scan
from collectors.archive.pieces import Piece, Unreadable
from collectors.archive.sql_scan import Dialect, Scanner
from collectors.archive.sql_values import copy_values, sqlglot_name, tuple_values
from collectors.options import read_list
from ledger.core.errors import ConfigError, SkippableRecord

_TELLING: Final = {
    b"PostgreSQL database dump": Dialect.POSTGRESQL,
    b"MariaDB dump": Dialect.MYSQL,
    b"MySQL dump": Dialect.MYSQL,
    b"PRAGMA foreign_keys=": Dialect.SQLITE,
}
_START: Final = 4096
_Columns = tuple[str, ...]


class SqlForm:
    """Dumps of one dialect, of which the rows of some tables are wanted."""

    def __init__(self, option: Callable[[str], str]) -> None:
        """Raises ConfigError for an unknown dialect or encoding."""
        self._wanted = read_list(option("table"))
        self._columns = read_list(option("columns"))
        self._encoding = option("encoding")
        self._dialect = option("dialect")
        if self._dialect and self._dialect not in set(Dialect):
            raise ConfigError(f"option 'dialect' is {self._dialect!r}", advice=f"Use one of: {', '.join(Dialect)}.")
        try:
            "".encode(self._encoding)
        except LookupError:
            raise ConfigError(f"option 'encoding' is {self._encoding!r}", advice="Use utf-8, latin-1.") from None
        self.tables: Counter[str] = Counter()

    def pieces(self, file: BinaryIO) -> Iterator[Piece]:
        dialect = self._found_dialect(file)
        self.tables = Counter()
        known: dict[str, _Columns] = {}
        heads: dict[bytes, tuple[str, _Columns]] = {}
        name, columns, form, wanted = "", self._columns, sql_scan.Form.TUPLE, False
        for event in Scanner(file, dialect).events():
            if isinstance(event, sql_scan.Table):
                known.update(_created(event.statement, dialect))
            elif isinstance(event, sql_scan.Head):
                form = event.form
                if event.statement not in heads:
                    heads[event.statement] = _headed(event.statement, form, dialect)
                name, columns = heads[event.statement]
                columns = columns or known.get(name, ()) or self._columns
                wanted = name in self._wanted or name.rpartition(".")[2] in self._wanted
                if wanted and not columns:
                    raise Unreadable(f"the dump does not say what the columns of {name} are; name them: option columns")
            else:
                self.tables[name] += 1
                if wanted:
                    yield Piece(
                        offset=event.offset,
                        data=event.data,
                        problem=event.problem,
                        table=name,
                        columns=columns,
                        form=f"{dialect}/{form}",
                        encoding="" if self._encoding == "utf-8" else self._encoding,
                    )

    def fields(self, piece: Piece) -> dict[str, object]:
        dialect, _, form = piece.form.partition("/")
        if dialect not in set(Dialect) or form not in set(sql_scan.Form):
            raise SkippableRecord(f"not a row of a dump: {piece.form!r}")
        try:
            if form == sql_scan.Form.COPY:
                values = copy_values(piece.data, piece.encoding or "utf-8")
            else:
                values = tuple_values(piece.data, Dialect(dialect), piece.encoding or "utf-8")
        except LookupError:
            raise SkippableRecord(f"there is no encoding {piece.encoding!r}") from None
        if len(values) != len(piece.columns):
            raise SkippableRecord(f"{len(values)} values, not {len(piece.columns)} as there are columns")
        return dict(zip(piece.columns, values, strict=True))

    def _found_dialect(self, file: BinaryIO) -> Dialect:
        if self._dialect:
            return Dialect(self._dialect)
        start = file.read(_START)
        file.seek(0)
        for words, dialect in _TELLING.items():
            if words in start:
                return dialect
        raise Unreadable("the dump does not say which program wrote it; name it: option dialect")


def _created(statement: bytes, dialect: Dialect) -> dict[str, _Columns]:
    """Table and columns of a CREATE TABLE; nothing where it cannot be read, or names none."""
    try:
        made = sqlglot.parse_one(statement.decode("utf-8", "replace"), read=sqlglot_name(dialect))
    except (SqlglotError, RecursionError, ValueError):
        return {}
    schema = made.this if isinstance(made, exp.Create) else None
    if not isinstance(schema, exp.Schema):
        return {}
    columns = tuple(one.name for one in schema.expressions if isinstance(one, exp.ColumnDef | exp.Identifier))
    return {_table_name(schema.this): columns}


def _headed(statement: bytes, form: sql_scan.Form, dialect: Dialect) -> tuple[str, _Columns]:
    """Table and columns that stand before rows; no columns where it does not name them."""
    text = statement.decode("utf-8", "replace")
    if form is sql_scan.Form.COPY:
        text = f"INSERT INTO {text[len('COPY') : text.upper().rindex(' FROM ')]} VALUES"
    try:
        made = sqlglot.parse_one(f"{text} (NULL)", read=sqlglot_name(dialect))
    except (SqlglotError, RecursionError, ValueError) as error:
        raise Unreadable(f"{text[:200]!r} cannot be read: {str(error).partition(chr(10))[0]}") from None
    into = made.this if isinstance(made, exp.Insert) else None
    if isinstance(into, exp.Schema):
        return _table_name(into.this), tuple(one.name for one in into.expressions)
    if not isinstance(into, exp.Table):
        raise Unreadable(f"{text[:200]!r} does not say into which table")
    return _table_name(into), ()


def _table_name(table: exp.Expression) -> str:
    return ".".join(part.name for part in table.parts) if isinstance(table, exp.Table) else table.name
