"""Divides a whole file into items, byte for byte, and reads one item again from its original.

- Lines (CSV, delimited, logfmt, pattern, JSON Lines): each row is an item; the first lines of a file may be a head of
  `name, value` that every item has beside it.
- A document (JSON, XML, text): the whole is one item, or each member of a list in it is, or each XML element of a name.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from collectors import verbatim
from collectors.base import Option
from collectors.infra.entries import EntryReader, compile_pattern, header_names
from collectors.infra.splitting import Rules, Splitter
from collectors.it import b2mml_xml as xml
from collectors.mapping.expression import Item
from collectors.options import read_list
from collectors.payload import pack, unpack
from ledger.core.errors import ConfigError, SkippableRecord

MEDIA_TYPE: Final = "application/json"
LINES: Final = ("csv", "delimited", "logfmt", "pattern")
ITEM_OPTIONS: Final = (
    Option(name="layout", meaning="lines or document; empty: lines for csv, delimited, logfmt, pattern, else document"),
    Option(name="items", meaning="json: member that holds the list, as data.rows; xml: names of the elements"),
    Option(name="head_lines", meaning="lines: so many first lines are `name, value`, not items", default="0"),
    Option(name="only", meaning="lines, RE2 pattern: only lines that it matches are items"),
    Option(name="without", meaning="lines, RE2 pattern: lines that it matches are left out"),
    Option(name="withhold", meaning="csv: columns that are never kept, not even in originals, comma-separated"),
    Option(name="encoding", meaning="of the text; XML says its own", default="utf-8"),
)


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An item as it stands in the file. `header` names a row's columns, `head` are the first lines, `namespaces` hold
    where an XML element stands, `xml` is its document's encoding. `withheld`: columns whose cells were emptied.
    """

    text: str | None = None
    base64: str | None = None
    header: str | None = None
    head: str | None = None
    namespaces: dict[str, str] | None = None
    xml: str | None = None
    withheld: tuple[str, ...] = ()


class FileFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file that an item stands in: name, number of the item (from 1) and of all, when it was last changed (UTC),
    the SHA-256 of all of it, and `id`, a keyed digest that tells nothing of the content.
    """

    name: str
    item: int
    items: int
    modified: str
    sha256: str
    id: str


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The original of a record."""

    file: FileFacts
    part: Part


class Items:
    """How the files of one source are divided and read."""

    def __init__(self, option: Callable[[str], str]) -> None:
        """Raises ConfigError for options that do not fit."""
        self._xml = option("format") == "xml"
        self._reader = EntryReader(lambda name: "text" if self._xml and name == "format" else option(name))
        layout = option("layout") or ("lines" if option("format") in LINES else "document")
        if layout not in {"lines", "document"} or (self._xml and layout == "lines"):
            raise ConfigError(f"option 'layout' is {layout!r}", advice="Use lines or document; XML is a document.")
        self._lines = layout == "lines"
        if self._reader.headed and not self._lines:
            raise ConfigError("option 'layout' is document, and CSV is lines", advice="Leave `layout` out.")
        self._path = tuple(option("items").split(".")) if option("items") and not self._xml else ()
        if self._path and (self._lines or option("format") != "json"):
            raise ConfigError("option 'items' is for JSON and XML documents", advice="Leave it out.")
        self._names = read_list(option("items")) if self._xml else ()
        self._head = _count(option("head_lines"))
        self._delimiter = option("delimiter").replace("\\t", "\t")
        self._encoding = option("encoding")
        self._quoted = option("format") == "csv"
        self._withheld = read_list(option("withhold"))
        if self._withheld and not self._quoted:
            raise ConfigError(
                "option 'withhold' is for CSV", advice="Leave the columns out of what is dropped instead."
            )
        self._only, self._without = (
            compile_pattern(option(name), name) if option(name) else None for name in ("only", "without")
        )
        try:
            self._wide = "\n".encode(self._encoding) != b"\n"
        except (LookupError, UnicodeError):
            raise ConfigError(f"option 'encoding' is {self._encoding!r}", advice="Use utf-8, utf-16, cp1252.") from None

    @property
    def headed(self) -> bool:
        """Whether a line of each file names its columns."""
        return self._lines and self._reader.headed

    @property
    def withholds(self) -> bool:
        """Whether some columns are never to be kept."""
        return bool(self._withheld)

    def divide(self, data: bytes) -> list[Part]:
        """The items of a file; raises SkippableRecord for one that has not the form that it should have."""
        if self._xml:
            return self._divide_xml(data)
        if self._lines:
            return self._divide_lines(self._narrow(data))
        if self._path or self._reader.format.name == "json":
            return self._divide_json(data)
        return [_part(data)]

    def read(self, envelope: Envelope) -> Item:
        """What a mapping sees: `entry` (the fields), `text`, `head` and `file`. Raises SkippableRecord."""
        part = envelope.part
        data = unpack(part.text, part.base64)
        text = data.decode("utf-8" if self._wide and self._lines else self._encoding, "replace").removeprefix("\ufeff")
        if self._xml:
            fields: Mapping[str, object] = xml.values(xml.parse(data, part.xml or "utf-8", part.namespaces))
        else:
            fields = self._reader.read(text, part.header)
        return {
            "entry": fields,
            "text": text,
            "head": _read_head(part.head or "", self._delimiter),
            "file": msgspec.to_builtins(envelope.file),
        }

    def columns(self, parts: Sequence[Part]) -> tuple[str, ...]:
        """The names in the line that names the columns of a file, where it has one."""
        header = parts[0].header if parts else None
        return () if header is None else header_names(header, self._delimiter)

    def _narrow(self, data: bytes) -> bytes:
        """The bytes in an encoding in which a line break is one byte."""
        return data.decode(self._encoding, "replace").encode() if self._wide else data

    def _divide_lines(self, data: bytes) -> list[Part]:
        text = data.removeprefix(b"\xef\xbb\xbf")
        head: list[bytes] = []
        for _ in range(self._head):
            line, _, text = text.partition(b"\n")
            head.append(line.rstrip(b"\r"))
        pieces = [*(splitter := _splitter(len(text), quoted=self._quoted)).feed(_ended(text)), *splitter.finish()]
        if any(piece.problem for piece in pieces):
            raise SkippableRecord("the file ends within a quoted cell")
        rows = [piece.data for piece in pieces]
        header = self._decode(rows.pop(0)) if self._reader.headed and rows else None
        before = self._decode(b"\n".join(head)) if head else None
        if self._withheld:
            names = header_names(header, self._delimiter) if header is not None else self._reader.format.columns
            rows = [self._without_withheld(row, names) for row in rows]
        return [_part(row, header=header, head=before, withheld=self._withheld) for row in rows if self._wanted(row)]

    def _without_withheld(self, row: bytes, names: tuple[str, ...]) -> bytes:
        """The row with the cells of withheld columns emptied; of a row that does not fit, nothing is kept."""
        if missing := [name for name in self._withheld if name not in names]:
            raise SkippableRecord(f"the file has no column {missing[0]!r}, which is to be withheld")
        cells = next(iter(csv.reader([self._decode(row)], delimiter=self._delimiter)), [])
        if len(cells) != len(names):
            return b"(a row that does not fit the columns, withheld)"
        kept = ["" if name in self._withheld else cell for name, cell in zip(names, cells, strict=True)]
        csv.writer(line := io.StringIO(), delimiter=self._delimiter, lineterminator="").writerow(kept)
        return line.getvalue().encode("utf-8" if self._wide else self._encoding, "replace")

    def _divide_json(self, data: bytes) -> list[Part]:
        try:
            text = data.decode("utf-8-sig")
            for name in self._path:
                text = verbatim.members(text)[name]
            if text.lstrip().startswith("["):
                return [_part(item.encode()) for item in verbatim.items(text)]
            if self._path:
                raise SkippableRecord(f"the member {'.'.join(self._path)} is no list")
            verbatim.members(text)
        except KeyError as error:
            raise SkippableRecord(f"there is no member {error}") from None
        except (ValueError, RecursionError) as error:
            raise SkippableRecord(f"not JSON in UTF-8: {error}") from None
        return [_part(data)]

    def _divide_xml(self, data: bytes) -> list[Part]:
        found = xml.scan(data, self._names)
        if not self._names:
            return [_part(data, encoding=found.encoding)]
        return [
            _part(data[part.start : part.end], namespaces=part.namespaces, encoding=found.encoding)
            for part in found.parts
        ]

    def _wanted(self, row: bytes) -> bool:
        if self._only is not None and self._only.search(row) is None:
            return False
        return self._without is None or self._without.search(row) is None

    def _decode(self, line: bytes) -> str:
        return line.decode("utf-8" if self._wide else self._encoding, "replace")


def read_envelope(data: bytes) -> Envelope:
    """Raises SkippableRecord for what is no original of this type."""
    try:
        return msgspec.json.decode(data, type=Envelope)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SkippableRecord(f"not the original of an item of a file: {error}") from None


def _part(
    data: bytes,
    *,
    header: str | None = None,
    head: str | None = None,
    namespaces: dict[str, str] | None = None,
    encoding: str | None = None,
    withheld: tuple[str, ...] = (),
) -> Part:
    text, base64 = pack(data)
    return Part(
        text=text,
        base64=base64,
        header=header,
        head=head,
        namespaces=namespaces,
        xml=encoding,
        withheld=withheld,
    )


def _splitter(size: int, *, quoted: bool) -> Splitter:
    return Splitter(Rules(max_bytes=size + 1, quoted=quoted))


def _ended(text: bytes) -> bytes:
    """The last line of a whole file is a line, with or without its break."""
    return text if text.endswith(b"\n") else text + b"\n"


def _read_head(head: str, delimiter: str) -> dict[str, Any]:
    """`Name, value` or `Name: value` lines; one without a value is left out."""
    found: dict[str, Any] = {}
    for line in head.splitlines():
        name, mark, value = line.partition(delimiter)
        if not mark:
            name, mark, value = line.partition(":")
        if mark and name.strip():
            found[name.strip().rstrip(":").strip('"')] = value.strip().strip('"')
    return found


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 1000:
        raise ConfigError(f"option 'head_lines' is {text!r}", advice="Use 0 to 1000.")
    return int(text)
