"""Log files that grow and are rotated: JSON Lines, logfmt, CSV, columns, patterns, stanzas; one record a line or more.

How records are divided stands in `collectors.infra.splitting`, how they are read in `collectors.infra.entries`.

- A look reads each file of the log from its place to its last whole record, rotated files first. A line without its
  line break is no record yet.
- The cursor holds the place in each file, by device, inode and keyed digests of its content (`tail_places`), so a file
  is read on after it was renamed, copied and truncated, or compressed. A file that is gone before it was seen finished
  is a gap: what was written to it last is lost.
- The identity of a record, where the log gives none, is `file.number` (the first file that this source saw is 1) and
  `file.offset` (of the first byte, uncompressed).
- A file does not say what time its writer has: the source's clock is not known. Nor does it say who writes it; what can
  be told of its schema is the line that names the columns, where it has one.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from collectors.base import CheckReport, Option, Stop
from collectors.batch import BatchBuilder
from collectors.facts import SCHEMA
from collectors.infra.entries import ENTRY_OPTIONS, EntryReader, compile_pattern
from collectors.infra.lines import MEDIA_TYPE, Line, line_item, read_line
from collectors.infra.splitting import Rules
from collectors.infra.tail_check import check_log
from collectors.infra.tail_look import Log, Look
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.errors import ConfigError
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig

MAX_BYTES: Final = 8 * 1024 * 1024


class Tail(MappedCollector):
    """See the module."""

    type = "tail"
    title = "Log file (JSON Lines, logfmt, CSV, columns, patterns)"
    format = "1"
    options = (
        Option(name="path", meaning="the log's file; its name may have wildcards (*, ?, [ ])", required=True),
        Option(
            name="rotated",
            meaning="names of rotated files in the same folder, comma-separated, with wildcards; `none` for none",
            default="{name}.[0-9]*, {name}-[0-9]*",
        ),
        Option(name="encoding", meaning="of the text; a line break must be the one byte 10 in it", default="utf-8"),
        Option(name="max_bytes", meaning="a longer record is rejected in parts", default="65536"),
        Option(name="start", meaning="RE2 pattern of a record's first line, for records of several lines"),
        Option(name="end", meaning="RE2 pattern of a record's last line, for records of several lines"),
        Option(name="only", meaning="RE2 pattern: only records that it matches are taken"),
        Option(name="without", meaning="RE2 pattern: records that it matches are left out"),
        *ENTRY_OPTIONS,
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        self._encoding = _encoding(self.option("encoding"))
        self._reader = EntryReader(self.option)
        self.tells = (SCHEMA,) if self._reader.headed else ()
        path = Path(self.option("path"))
        rotated = read_list(self.option("rotated"))
        self._log = Log(
            path=path,
            rotated=() if rotated == ("none",) else tuple(name.replace("{name}", path.name) for name in rotated),
            encoding=self._encoding,
            rules=Rules(
                max_bytes=int(self.number("max_bytes", 64, MAX_BYTES)),
                start=self._pattern("start"),
                end=self._pattern("end"),
                quoted=self.option("format") == "csv",
            ),
            headed=self._reader.headed,
            delimiter=self._reader.format.delimiter,
            only=self._pattern("only"),
            without=self._pattern("without"),
        )

    def item(self, original: Original) -> Item:
        return line_item(read_line(original.data), self._reader, self._encoding)

    def check(self) -> CheckReport:
        return check_log(self._log, self._derive_line)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        yield from Look(self._log, state, self.clock, self._builder, self.original).batches(stop)

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)

    def _derive_line(self, line: Line) -> None:
        """Raises SkippableRecord for a line that gives no record."""
        self.derive(self.original(msgspec.json.encode(line), MEDIA_TYPE))

    def _pattern(self, name: str) -> object:
        return compile_pattern(self.option(name), name) if self.option(name) else None


def _encoding(name: str) -> str:
    try:
        plain = "\n".encode(name) == b"\n"
    except (LookupError, UnicodeError):
        plain = False
    if not plain:
        raise ConfigError(
            f"option 'encoding' is {name!r}",
            advice="Use one in which a line break is one byte: utf-8, cp1252, latin-1.",
        )
    return name
