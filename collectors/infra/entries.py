"""Reads the text of one entry of a log or file as named fields, by a format that the options of a source name.

- `json`: one object. `logfmt`: `key=value` pairs. `csv`: RFC 4180, columns named by the file's header or by `columns`.
- `delimited`: columns between a fixed delimiter, without quoting; the last column takes the rest.
- `pattern`: the named groups of an RE2 pattern. `stanza`: lines of `Name: value`, continued by lines that begin with a
  space or tab. `text`: no fields.

A field may hold text of a second format (`inner`): it is then read by that one, and becomes an object, or with the
format `each` a list with one object for each place where a pattern matches.

A text that is not of its format raises SkippableRecord. Every parser here takes time linear in its text.
"""

import csv
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import re2

from collectors.base import Option
from collectors.mapping.collector import json_text_item
from collectors.options import read_list
from collectors.text import REPLACEMENT, clean
from ledger.core.errors import ConfigError, SkippableRecord

Fields = dict[str, object]
Reader = Callable[[str], Fields]
FORMATS: Final = ("json", "logfmt", "csv", "delimited", "pattern", "stanza", "text")
_MAX_FIELDS: Final = 10_000
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ESCAPED: Final = {
    '"': '"', "\\": "\\", "/": "/", "'": "'",
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
}  # fmt: skip
"""Escapes that JSON or the quoting of Go has, as loggers write either; `\\xff` there is a byte that is no UTF-8."""
_TOO_MANY: Final = f"more than {_MAX_FIELDS} fields"

ENTRY_OPTIONS: Final = (
    Option(name="format", meaning=f"how an entry is written: {', '.join(FORMATS)}", default="json"),
    Option(
        name="columns", meaning="csv, delimited: names of the columns, comma-separated; csv without: the first line's"
    ),
    Option(name="delimiter", meaning=r"csv, delimited: what stands between columns; \t for a tab", default=","),
    Option(name="pattern", meaning="pattern: an RE2 pattern with named groups (?P<name>…)"),
    Option(name="inner", meaning="fields that hold text of another format, comma-separated"),
    Option(name="inner_format", meaning="that format; `each`: a list, an object for each match of inner_pattern"),
    Option(name="inner_columns", meaning="csv, delimited: names of its columns"),
    Option(name="inner_delimiter", meaning="csv, delimited: what stands between its columns", default=","),
    Option(name="inner_pattern", meaning="pattern, each: an RE2 pattern with named groups"),
    Option(name="inner_prefix", meaning="only text that begins so is read by it, without these characters"),
)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A format with its parameters, as options say it; `columns` empty in csv: the header's."""

    name: str
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    pattern: str = ""


class EntryReader:
    """Reads entries of one source."""

    def __init__(self, option: Callable[[str], str]) -> None:
        """`option` gives the value of each of `ENTRY_OPTIONS`; raises ConfigError for values that do not fit."""
        self.format = Format(
            name=option("format"),
            columns=_columns(option("columns"), "columns"),
            delimiter=_delimiter(option("delimiter")),
            pattern=option("pattern"),
        )
        if self.format.name not in FORMATS:
            raise ConfigError(f"option 'format' is {self.format.name!r}", advice=f"Use one of: {', '.join(FORMATS)}.")
        self.headed = self.format.name == "csv" and not self.format.columns
        """Whether the first line of a file names the columns."""
        self._read = None if self.headed else _compile(self.format, "")
        self._inner = read_list(option("inner"))
        self._prefix = option("inner_prefix")
        inner = Format(
            name=option("inner_format"),
            columns=_columns(option("inner_columns"), "inner_columns"),
            delimiter=_delimiter(option("inner_delimiter")),
            pattern=option("inner_pattern"),
        )
        self._read_inner = _compile_inner(inner) if self._inner else None

    def read(self, text: str, header: str | None = None) -> Fields:
        """The fields of one entry; `header` is the file's first line, where the format needs one."""
        if self._read is not None:
            fields = self._read(text)
        elif header is None:
            raise SkippableRecord("the file's header line is not known")
        else:
            fields = _csv_reader(header_names(header, self.format.delimiter), self.format.delimiter)(text)
        for name in self._inner:
            value = fields.get(name)
            if self._read_inner is not None and isinstance(value, str) and value.startswith(self._prefix):
                fields[name] = self._read_inner(clean(value[len(self._prefix) :]))
        return fields


def header_names(header: str, delimiter: str) -> tuple[str, ...]:
    """The column names of a header line, each once: a second `Value` is `Value_2`. A byte order mark is left out."""
    return unique_names(_cells(header.removeprefix("\ufeff"), delimiter))


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """The names in these cells, each once; a column without one is `column_N`."""
    found: dict[str, None] = {}
    for cell in cells:
        name, number = cell.strip(), 1
        while name and name in found:
            number += 1
            name = f"{cell.strip()}_{number}"
        found[name or f"column_{len(found) + 1}"] = None
    return tuple(found)


def _compile_inner(inner: Format) -> Callable[[str], object]:
    if inner.name == "each":
        return _each_reader(inner.pattern)
    if inner.name not in FORMATS or (inner.name == "csv" and not inner.columns):
        raise ConfigError(
            f"option 'inner_format' is {inner.name!r}",
            advice=f"Use each or one of: {', '.join(FORMATS)}; csv needs inner_columns.",
        )
    return _compile(inner, "inner_")


def _compile(form: Format, prefix: str) -> Reader:
    if form.name == "csv":
        return _csv_reader(form.columns, form.delimiter)
    if form.name == "delimited":
        return _delimited_reader(form, prefix)
    if form.name == "pattern":
        return _pattern_reader(form.pattern, prefix)
    return {"json": _read_json, "logfmt": read_logfmt, "stanza": _read_stanza, "text": _read_nothing}[form.name]


def _read_json(text: str) -> Fields:
    return json_text_item(text.removeprefix("\ufeff"))


def _read_nothing(_: str) -> Fields:
    return {}


def _csv_reader(names: Sequence[str], delimiter: str) -> Reader:
    def read(text: str) -> Fields:
        return _named(names, _cells(text, delimiter))

    return read


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one CSV row (RFC 4180 section 2); a quoted cell may hold line breaks."""
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise SkippableRecord(f"not CSV: {error}") from None
    if len(rows) != 1:
        raise SkippableRecord(f"{len(rows)} CSV rows, not one")
    return rows[0]


def _delimited_reader(form: Format, prefix: str) -> Reader:
    if not form.columns:
        raise ConfigError(f"option '{prefix}columns' is empty", advice="Name the columns, comma-separated.")

    def read(text: str) -> Fields:
        return _named(form.columns, text.split(form.delimiter, len(form.columns) - 1))

    return read


def _named(names: Sequence[str], cells: Sequence[str]) -> Fields:
    if len(cells) != len(names):
        raise SkippableRecord(f"{len(cells)} columns, not {len(names)}")
    return {name: cell for name, cell in zip(names, cells, strict=True) if name}


def _pattern_reader(pattern: str, prefix: str) -> Reader:
    compiled = compile_pattern(pattern, f"{prefix}pattern")
    if not compiled.groupindex:
        raise ConfigError(f"option '{prefix}pattern' has no named group", advice="Write groups as (?P<name>…).")

    def read(text: str) -> Fields:
        found = compiled.search(text)
        if found is None:
            raise SkippableRecord("the pattern does not match")
        return {name: value for name, value in found.groupdict().items() if value is not None}

    return read


def _each_reader(pattern: str) -> Callable[[str], object]:
    compiled = compile_pattern(pattern, "inner_pattern")

    def read(text: str) -> object:
        found: list[Fields] = []
        for match in compiled.finditer(text):
            found.append({name: value for name, value in match.groupdict().items() if value is not None})
            if len(found) > _MAX_FIELDS:
                raise SkippableRecord(_TOO_MANY)
        return found

    return read


def compile_pattern(pattern: str, name: str) -> Any:
    """An RE2 pattern from an option; raises ConfigError for one that is empty or cannot be."""
    try:
        compiled = re2.compile(pattern)
    except re2.error as error:
        raise ConfigError(f"option {name!r}: {pattern!r} is not an RE2 pattern: {error}") from None
    if not pattern:
        raise ConfigError(f"option {name!r} is empty", advice="Write an RE2 pattern.")
    return compiled


def read_logfmt(text: str) -> Fields:
    """The pairs of a logfmt line: `key=value`, `key="a quoted value"` with backslash escapes; a key alone is true.

    A key that stands there more than once has the list of its values.
    """
    found: dict[str, list[object]] = {}
    position = 0
    while (position := _past_spaces(text, position)) < len(text):
        start = position
        while position < len(text) and text[position] not in '= "':
            position += 1
        key = text[start:position]
        if not key:
            raise SkippableRecord(f"not logfmt: no key at character {position}")
        value: object = True
        if text[position : position + 1] == "=":
            value, position = _logfmt_value(text, position + 1)
        if text[position : position + 1] not in {"", " "}:
            raise SkippableRecord(f"not logfmt: {text[position]!r} at character {position}")
        found.setdefault(key, []).append(value)
        if len(found) > _MAX_FIELDS:
            raise SkippableRecord(_TOO_MANY)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}


def _logfmt_value(text: str, position: int) -> tuple[str, int]:
    if text[position : position + 1] != '"':
        end = text.find(" ", position)
        end = len(text) if end < 0 else end
        return text[position:end], end
    end = position + 1
    while end < len(text) and text[end] != '"':
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise SkippableRecord("not logfmt: a quoted value does not end")
    value = _ESCAPE.sub(_unescape, text[position + 1 : end])
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), end + 1


def _unescape(found: "re.Match[str]") -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        if found[4] not in _ESCAPED:
            raise SkippableRecord(f"not logfmt: unknown escape {found[0]!r}")
        return _ESCAPED[found[4]]
    number = int(code, 16)
    stray = number > 0x10FFFF or (found[3] is not None and number > 0x7F)
    return REPLACEMENT if stray else chr(number)


def _past_spaces(text: str, position: int) -> int:
    while text[position : position + 1] == " ":
        position += 1
    return position


def _read_stanza(text: str) -> Fields:
    lines: dict[str, list[str]] = {}
    last: list[str] | None = None
    for line in text.splitlines():
        if not line.strip():
            continue
        if line[0] in " \t" and last is not None:
            last.append(line.strip())
            continue
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise SkippableRecord(f"not a line of `Name: value`: {line[:80]!r}")
        last = lines.setdefault(name.strip(), [])
        last.append(value.strip())
    if not lines:
        raise SkippableRecord("an empty stanza")
    return {name: "\n".join(values) for name, values in lines.items()}


def _columns(text: str, name: str) -> tuple[str, ...]:
    """Names in order; an empty one stands for a column that is not wanted."""
    if not text.strip():
        return ()
    names = tuple(word.strip() for word in text.split(","))
    named = [word for word in names if word]
    if not named or len({*named}) != len(named):
        raise ConfigError(f"option {name!r}: a column is named twice, or none is", advice="Name each column once.")
    return names


def _delimiter(text: str) -> str:
    found = text.replace("\\t", "\t")
    if len(found) != 1:
        raise ConfigError(f"a delimiter is {text!r}", advice="Use one character, or \\t for a tab.")
    return found
