"""The values of one row of a dump: of a line of COPY, or of a tuple of literals, as its dialect writes them.

PostgreSQL's and MySQL's literals are told apart by sqlglot's tokenizers; a number keeps its digits. What SQLite wrote,
SQLite reads, in a database of nothing: it writes line breaks as calls of functions, and those three may be called.
"""

import re
import sqlite3
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final

from sqlglot import Dialect as Sql
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from collectors.archive.sql_scan import Dialect
from ledger.core.errors import SkippableRecord

_SQLGLOT: Final = {Dialect.POSTGRESQL: "postgres", Dialect.MYSQL: "mysql", Dialect.SQLITE: "sqlite"}
_COPY_ESCAPE: Final = re.compile(rb"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_COPY_SHORT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_UNISTR: Final = re.compile(r"\\(?:(\\)|([0-9A-Fa-f]{4})|u([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|U([0-9A-Fa-f]{8}))")
_TEXTS: Final = {TokenType.STRING, TokenType.NATIONAL_STRING, TokenType.RAW_STRING, TokenType.BYTE_STRING}
_SIGNS: Final = {TokenType.DASH: "-", TokenType.PLUS: ""}
_CALLED: Final = frozenset({"replace", "char", "unistr"})
_MAX_STEPS: Final = 100_000
_MAX_VALUE: Final = 8 * 1024 * 1024


def sqlglot_name(dialect: Dialect) -> str:
    """What sqlglot calls a dialect."""
    return _SQLGLOT[dialect]


def copy_values(data: bytes, encoding: str) -> list[object]:
    """The values of a line of a COPY block in text format."""
    return [None if cell == rb"\N" else _unescaped(cell).decode(encoding, "replace") for cell in data.split(b"\t")]


def tuple_values(data: bytes, dialect: Dialect, encoding: str) -> list[object]:
    """The values of a tuple with its brackets; raises SkippableRecord where it holds anything but literals."""
    text = data.decode(encoding, "replace")
    if not (text.startswith("(") and text.endswith(")")):
        raise SkippableRecord("not a tuple of values")
    return _read_by_sqlite(text[1:-1]) if dialect is Dialect.SQLITE else _read_tokens(text, dialect)


def _unescaped(cell: bytes) -> bytes:
    return _COPY_ESCAPE.sub(_unescape, cell) if b"\\" in cell else cell


def _unescape(found: "re.Match[bytes]") -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 255])
    if found[2]:
        return bytes([int(found[2], 16)])
    return _COPY_SHORT.get(found[3], found[3])


def _read_tokens(text: str, dialect: Dialect) -> list[object]:
    try:
        tokens = Sql.get_or_raise(_SQLGLOT[dialect]).tokenizer().tokenize(text)
    except (SqlglotError, RecursionError, ValueError) as error:
        raise SkippableRecord(f"not SQL: {str(error).partition(chr(10))[0][:200]}") from None
    found: list[object] = []
    part: list[Token] = []
    for token in tokens[1:]:
        if token.token_type in (TokenType.COMMA, TokenType.R_PAREN):
            found.append(_value(part))
            part = []
        else:
            part.append(token)
    if part or not tokens or tokens[0].token_type is not TokenType.L_PAREN:
        raise SkippableRecord("not a tuple of values")
    return found


def _value(tokens: list[Token]) -> object:
    """One literal, with a sign or character set before it, and a cast behind it."""
    casts = [at for at, token in enumerate(tokens) if token.token_type is TokenType.DCOLON]
    tokens = tokens[: casts[0]] if casts else tokens
    sign = ""
    if len(tokens) == 2 and tokens[0].token_type in _SIGNS and tokens[1].token_type is TokenType.NUMBER:
        sign, tokens = _SIGNS[tokens[0].token_type], tokens[1:]
    if len(tokens) == 2 and tokens[0].token_type is TokenType.INTRODUCER:
        tokens = tokens[1:]
    if len(tokens) != 1:
        raise SkippableRecord("a value that is no literal")
    kind, text = tokens[0].token_type, tokens[0].text
    if kind in _TEXTS:
        return text
    if kind is TokenType.NULL:
        return None
    if kind in (TokenType.TRUE, TokenType.FALSE):
        return kind is TokenType.TRUE
    if kind is TokenType.BIT_STRING:
        return text
    try:
        if kind is TokenType.HEX_STRING:
            return bytes.fromhex(text if len(text) % 2 == 0 else "0" + text)
        if kind is TokenType.NUMBER:
            return int(sign + text) if text.isdecimal() and len(text) < 1000 else Decimal(sign + text)
    except (ValueError, InvalidOperation):
        pass
    raise SkippableRecord(f"a value that is no literal: {text[:80]!r}")


def _read_by_sqlite(text: str) -> list[object]:
    try:
        return list(_nowhere().execute(f"SELECT {text}").fetchone())
    except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, TypeError) as error:
        raise SkippableRecord(f"SQLite cannot read it: {error}") from None


@cache
def _nowhere() -> sqlite3.Connection:
    """A database without tables in which only literals and the three functions of a dump can be asked for."""
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    if sqlite3.sqlite_version_info < (3, 50):
        connection.create_function("unistr", 1, _unistr, deterministic=True)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_progress_handler(lambda: 1, _MAX_STEPS)
    connection.set_authorizer(_allowed)
    return connection


def _allowed(action: int, _: str | None, name: str | None, *__: str | None) -> int:
    if action == sqlite3.SQLITE_SELECT or (action == sqlite3.SQLITE_FUNCTION and (name or "").lower() in _CALLED):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _unistr(text: str) -> str:
    """As SQLite has it from 3.50 on, which writes control characters so."""
    return _UNISTR.sub(lambda found: found[1] or chr(int(next(filter(None, found.groups()[1:])), 16)), text)
