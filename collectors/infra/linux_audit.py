"""The Linux audit log (auditd): events with who, as whom, by what command, on which file; read on over rotation.

How lines become events stands in `collectors.infra.linux_audit_event`, how a rotated file is known again in
`collectors.infra.tail_places`.

- The identity of an event is its time and serial. The serial is the kernel's counter since the start of the host;
  it counts what rules leave out too, so it orders events and proves no gap.
- An event that may get more lines is read once it is whole. One that is divided by a rotation gives two records of one
  identity: what the second part says is then a changed record.
- Encoded values (paths, commands, names) are decoded for records; the original is the event's lines as they stand.
- The log does not say what time its host has now: the source's clock is not known.
- What it says of itself are events as well: auditd tells its version and the kernel's when it starts, the kernel each
  time whether auditing is on (1), off (0) or on and locked (2). A run in which no such event came tells nothing.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from collectors.base import CheckReport, Option, Stop
from collectors.batch import BatchBuilder
from collectors.facts import AUDIT_TRAIL, VERSION
from collectors.infra.entries import compile_pattern
from collectors.infra.lines import MEDIA_TYPE, Line, read_line
from collectors.infra.linux_audit_event import EventSplitter, event_item, told_by_event
from collectors.infra.splitting import Rules
from collectors.infra.tail_check import check_log
from collectors.infra.tail_look import Log, Look
from collectors.mapping.collector import MappedCollector
from collectors.mapping.expression import Item
from collectors.options import read_list
from ledger.core.clock import WallClock
from ledger.core.record import Original
from ledger.core.run import RunBatch, SourceState
from ledger.core.source import SourceConfig


class LinuxAudit(MappedCollector):
    """See the module."""

    type = "linux-audit"
    title = "Linux audit log (auditd)"
    format = "1"
    tells = (VERSION, AUDIT_TRAIL)
    options = (
        Option(name="path", meaning="the log's file", default="/var/log/audit/audit.log"),
        Option(
            name="rotated",
            meaning="names of rotated files in the same folder, comma-separated, with wildcards",
            default="{name}.[0-9]*",
        ),
        Option(name="only", meaning="RE2 pattern: only events whose lines it matches are taken"),
        Option(name="without", meaning="RE2 pattern: events whose lines it matches are left out"),
    )

    def __init__(self, config: SourceConfig, secrets: Mapping[str, str], clock: WallClock) -> None:
        super().__init__(config, secrets, clock)
        path = Path(self.option("path"))
        self._log = Log(
            path=path,
            rotated=tuple(name.replace("{name}", path.name) for name in read_list(self.option("rotated"))),
            encoding="utf-8",
            rules=Rules(max_bytes=64 * 1024),
            splitter=EventSplitter,
            told=told_by_event,
            only=self._pattern("only"),
            without=self._pattern("without"),
        )

    def item(self, original: Original) -> Item:
        line = read_line(original.data)
        file = {"name": line.file, "number": line.number, "offset": line.offset}
        return event_item(line.data().decode("utf-8", "replace"), file)

    def check(self) -> CheckReport:
        return check_log(self._log, self._derive_line)

    def collect(self, state: SourceState, stop: Stop) -> Iterator[RunBatch]:
        yield from Look(self._log, state, self.clock, self._builder, self.original).batches(stop)

    def _builder(self) -> BatchBuilder:
        return BatchBuilder(self.config.id, self.clock, self.derive, None)

    def _derive_line(self, line: Line) -> None:
        """Raises SkippableRecord for an event that gives no record."""
        self.derive(self.original(msgspec.json.encode(line), MEDIA_TYPE))

    def _pattern(self, name: str) -> object:
        return compile_pattern(self.option(name), name) if self.option(name) else None
