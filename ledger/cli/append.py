"""`trailseal append`: normalised records from a file or standard input."""

import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from ledger.cli.ledgers import LedgerOption, LogOption, local, opened
from ledger.cli.output import AsJson, progress, say, say_json
from ledger.core import canonical
from ledger.core.clock import utc_text
from ledger.core.errors import InvalidEntry
from ledger.core.record import Original, Record, Submission
from ledger.core.run import Rejected, RunBatch, Status

CHUNK = 500
"""Lines of one run, and so of one transaction."""
PARSER, PARSER_VERSION = "trailseal-jsonl", "1"
MEDIA_TYPE = "application/json"


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
    """Append normalised records. A line that is not one is quarantined with the reason; the others go on."""
    outcome: Counter[Status] = Counter()
    with opened(ledger) as service, progress(f"append {file}", "lines") as report:
        sink = service.record_log(log).sink(local(service))
        for lines in _chunks(_lines(file)):
            now = utc_text(service.clock.now_us())
            read = [_read(line, now) for line in lines]
            cursor = sink.state(source).cursor
            receipt = sink.submit(
                RunBatch(
                    source=source,
                    started_at=now,
                    ended_at=utc_text(service.clock.now_us()),
                    cursor_from=cursor,
                    cursor_to=cursor,
                    submissions=tuple(one for one in read if isinstance(one, Submission)),
                    rejected=tuple(one for one in read if isinstance(one, Rejected)),
                )
            )
            outcome.update(one.status for one in receipt.outcomes)
            report(outcome.total(), outcome.total())
    counts = {status.value: outcome[status] for status in Status}
    if as_json:
        say_json(counts)
    else:
        say(", ".join(f"{count} {status}" for status, count in counts.items()))
    if outcome[Status.QUARANTINED]:
        raise typer.Exit(1)


def _lines(file: Path) -> Iterator[bytes]:
    if str(file) == "-":
        yield from (line.rstrip(b"\r\n") for line in sys.stdin.buffer)
        return
    with file.open("rb") as opened_file:
        yield from (line.rstrip(b"\r\n") for line in opened_file)


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    wanted = (line for line in lines if line.strip())
    while chunk := list(itertools.islice(wanted, CHUNK)):
        yield chunk


def _read(line: bytes, now: str) -> Submission | Rejected:
    try:
        record = msgspec.convert(canonical.loads(line), Record)
    except (InvalidEntry, msgspec.ValidationError) as error:
        return Rejected(data=line, media_type=MEDIA_TYPE, reason=f"line: {error}", received_at=now)
    original = Original(data=line, media_type=MEDIA_TYPE, parser=PARSER, parser_version=PARSER_VERSION)
    return Submission(record=record, received_at=now, original=original)
