"""Reading a record log as of a size: what commands do that answer a question."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.cli.ledgers import opened
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.store.as_of import as_of
from ledger.store.reading import LogReader


class Reading(NamedTuple):
    """A ledger, its record log, a snapshot of that, and the size to read as of."""

    service: Service
    log: RecordLog
    reader: LogReader
    size: int


@contextmanager
def reading_as_of(ledger: Path, log: str | None, size: int | None) -> Iterator[Reading]:
    """Opens them; raises as `as_of` for a size that the log does not have yet."""
    with opened(ledger) as service:
        chosen = service.record_log(log)
        with service.store.reader(chosen.log.number) as reader:
            yield Reading(service, chosen, reader, as_of(reader, chosen.log, size))
