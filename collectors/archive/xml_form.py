"""XML, read as it comes: each element of a given name is a row, cut out byte for byte; no entity, no document type."""

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final
from xml.parsers import expat

from collectors.archive.pieces import CHUNK, MAX_ROW, Piece, Unreadable
from collectors.it import b2mml_xml as xml
from collectors.options import read_list
from ledger.core.errors import ConfigError, SkippableRecord

_MAX_TOKEN: Final = 16 * 1024 * 1024
"""A tag or text of more bytes is not waited for."""


class XmlForm:
    """Files whose rows are the outermost elements of these local names."""

    tables: Mapping[str, int] = {}

    def __init__(self, option: Callable[[str], str]) -> None:
        """Raises ConfigError where the elements are not named."""
        self._names = read_list(option("items"))
        if not self._names:
            raise ConfigError(
                "option 'items' is empty", advice="Name the elements that are rows: `--option items=Event`."
            )

    def pieces(self, file: BinaryIO) -> Iterator[Piece]:
        scanner = _Scanner(self._names)
        while chunk := file.read(CHUNK):
            yield from scanner.feed(chunk)
        yield from scanner.feed(b"", last=True)

    def fields(self, piece: Piece) -> dict[str, object]:
        return xml.values(xml.parse(piece.data, piece.encoding or "utf-8", piece.namespaces or {}))


class _Scanner:
    """One reading by expat, which says at which byte each element begins and ends; holds one row at a time."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._encoding = "utf-8"
        self._buffer = bytearray()
        self._base = 0
        self._inside = -1
        self._start = 0
        self._too_long = b""
        self._scopes: list[dict[str, str]] = [{}]
        self._found: list[Piece] = []
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._declared
        self._parser.StartDoctypeDeclHandler = self._typed
        self._parser.StartElementHandler = self._begin
        self._parser.EndElementHandler = self._end

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[Piece]:
        """The rows that these bytes complete; raises Unreadable after them where the file is no such XML."""
        first = self._base == 0 and not self._buffer
        trouble = ""
        if first and (data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in data[:4]):
            trouble = "XML in UTF-16 or UTF-32, which is not read"
        self._buffer += data
        try:
            if not trouble:
                self._parser.Parse(data, last)
        except SkippableRecord as error:
            trouble = error.message
        except (expat.ExpatError, ValueError, LookupError) as error:
            trouble = f"not well-formed XML: {error}"
        yield from self._found
        self._found.clear()
        if trouble:
            raise Unreadable(trouble)
        self._forget()

    def _forget(self) -> None:
        """Keeps of the bytes only those of a row that has begun, and those that expat has not taken yet."""
        end = self._base + len(self._buffer)
        here = self._parser.CurrentByteIndex
        if end - max(here, self._base) > _MAX_TOKEN:
            raise Unreadable(f"a tag or text of more than {_MAX_TOKEN} bytes at byte {here}")
        if self._inside >= 0 and end - self._start > MAX_ROW + CHUNK and not self._too_long:
            at = self._start - self._base
            self._too_long = bytes(self._buffer[at : at + MAX_ROW])
        keep = self._start if self._inside >= 0 and not self._too_long else max(here, self._base)
        del self._buffer[: keep - self._base]
        self._base = keep

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        self._encoding = (encoding or "utf-8").lower()
        if self._encoding not in xml.ENCODINGS:
            raise SkippableRecord(f"XML in the encoding {encoding!r}; read are {', '.join(xml.ENCODINGS)}")

    def _typed(self, *_: object) -> None:
        raise SkippableRecord("XML with a document type declaration, which is never read")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._scopes) > xml.MAX_DEPTH:
            raise SkippableRecord(f"XML with more than {xml.MAX_DEPTH} elements in each other")
        if self._inside < 0 and name.rpartition(":")[2] in self._names:
            self._inside = len(self._scopes)
            self._start = self._parser.CurrentByteIndex
            self._too_long = b""
        own = {one[6:]: uri for one, uri in attributes.items() if one == "xmlns" or one.startswith("xmlns:")}
        self._scopes.append({**self._scopes[-1], **own} if own else self._scopes[-1])

    def _end(self, name: str) -> None:
        self._scopes.pop()
        if self._inside != len(self._scopes):
            return
        self._inside = -1
        namespaces = self._scopes[-1] or None
        encoding = "" if self._encoding == "utf-8" else self._encoding
        if self._too_long:
            problem = f"the first bytes of a row of more than {MAX_ROW}"
            self._found.append(Piece(offset=self._start, data=self._too_long, problem=problem))
            return
        begin, end = self._start - self._base, self._parser.CurrentByteIndex - self._base
        if not xml.EMPTY.fullmatch(self._buffer, begin, end):
            end = self._buffer.index(b">", end) + 1
        self._found.append(
            Piece(
                offset=self._start,
                data=bytes(self._buffer[begin:end]),
                problem=f"a row of more than {MAX_ROW} bytes" if end - begin > MAX_ROW else "",
                namespaces=namespaces,
                encoding=encoding,
            )
        )
