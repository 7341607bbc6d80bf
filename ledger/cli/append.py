"""`trailseal append`: normalised records from a file or standard input."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.record import Original, Record, Submission
from ledger.core.run import Rejected, RunBatch, RunReceipt, Status
from ledger.core.vault import MAX_ORIGINAL

CHUNK = 500
"""Lines of one run, and so of one transaction."""
CHUNK_BYTES = MAX_ORIGINAL
"""A run ends after so many bytes too."""
MAX_LINE = 4 * MAX_ORIGINAL
"""Bytes of the longest line that is read; what is longer is no line of records, and ends the command."""
SHOWN = 100
"""Quarantined lines that the answer names one by one."""
PARSER, PARSER_VERSION = "trailseal-jsonl", "1"
MEDIA_TYPE = "application/json"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the file, by its number from 1."""

    number: int
    data: bytes


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A line that did not become a record: its quarantine entry, and why."""

    line: int
    entry: int
    reason: str


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("append")(append)


def append(
    file: Annotated[Path, typer.Argument(help="JSON Lines, one normalised record a line; - is standard input.")],
    source: Annotated[str, typer.Option(help="The registered source that the records are of.")],
    ledger: LedgerOption,
    log: LogOption = None,
    as_json: AsJson = False,
) -> None:
    """Append normalised records: durable, 500 lines at a time, before the next are read.

    A line that is no record is quarantined with the reason, and the others go on; then the exit code is 1. What the
    ledger has already is a duplicate and not appended again, so a file may be sent twice.
    """
    outcome: Counter[Status] = Counter()
    refused: list[Refused] = []
    with opened(ledger) as service, progress(f"append {file}", "lines") as report:
        sink = service.record_log(log).sink(local(service))
        sink.state(source)  # an unknown source is told before anything is read
        for lines in _chunks(_lines(file)):
            now = utc_text(service.clock.now_us())
            read = [(line.number, _read(line, now)) for line in lines]
            records = [(number, one) for number, one in read if isinstance(one, Submission)]
            rejected = [(number, one) for number, one in read if isinstance(one, Rejected)]
            cursor = sink.state(source).cursor
            receipt = sink.submit(
                RunBatch(
                    source=source,
                    started_at=now,
                    ended_at=max(now, utc_text(service.clock.now_us())),
                    cursor_from=cursor,
                    cursor_to=cursor,
                    submissions=tuple(one for _, one in records),
                    rejected=tuple(one for _, one in rejected),
                )
            )
            outcome.update(one.status for one in receipt.outcomes)
            refused += _refused([number for number, _ in (*records, *rejected)], receipt)[: SHOWN - len(refused)]
            report(outcome.total(), outcome.total())
    _answer(outcome, refused, as_json)
    if outcome[Status.QUARANTINED]:
        raise typer.Exit(1)


def _answer(outcome: Counter[Status], refused: list[Refused], as_json: bool) -> None:
    counts = {status.value: outcome[status] for status in Status}
    if as_json:
        say_json({**counts, "refused": refused})
        return
    for one in refused:
        say(f"▲ line {one.line}: {one.reason} (kept in entry {one.entry})")
    if outcome[Status.QUARANTINED] > len(refused):
        say(f"▲ and {outcome[Status.QUARANTINED] - len(refused)} more lines")
    say(", ".join(f"{count} {status}" for status, count in counts.items()))


def _refused(numbers: list[int], receipt: RunReceipt) -> list[Refused]:
    return [
        Refused(line=number, entry=one.index, reason=one.reason)
        for number, one in zip(numbers, receipt.outcomes, strict=True)
        if one.status is Status.QUARANTINED
    ]


def _lines(file: Path) -> Iterator[Line]:
    if str(file) == "-":
        yield from _split(sys.stdin.buffer)
        return
    with file.open("rb") as opened_file:
        yield from _split(opened_file)


def _split(file: BinaryIO) -> Iterator[Line]:
    number = 0
    while data := file.readline(MAX_LINE + 1):
        number += 1
        if len(data) > MAX_LINE:
            raise ConfigError(
                f"line {number} is longer than {MAX_LINE} bytes",
                advice="Write one record a line; what stood before that line is appended.",
            )
        if data.strip():
            yield Line(number=number, data=data.rstrip(b"\r\n"))


def _chunks(lines: Iterator[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    try:
        for line in lines:
            chunk.append(line)
            size += len(line.data)
            if len(chunk) == CHUNK or size >= CHUNK_BYTES:
                yield chunk
                chunk, size = [], 0
    except ConfigError:
        if chunk:
            yield chunk
        raise
    if chunk:
        yield chunk


def _read(line: Line, now: str) -> Submission | Rejected:
    try:
        record = msgspec.convert(canonical.loads(line.data), Record)
    except (InvalidEntry, msgspec.ValidationError) as error:
        return Rejected(data=line.data, media_type=MEDIA_TYPE, reason=f"line: {error}", received_at=now)
    original = Original(data=line.data, media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION)
    return Submission(record=record, received_at=now, original=original)
