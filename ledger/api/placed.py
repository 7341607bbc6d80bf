"""What a change of a record log is answered with, and what its reads share: the size that they are made at."""

from typing import Annotated

import msgspec
from litestar.params import QueryParameter

from ledger.core.address import Address
from ledger.core.clock import parse_utc
from ledger.record_log import RecordLog
from ledger.service import Service
from ledger.sources.map_files import instant
from ledger.store.as_of import as_of
from ledger.store.position import MAX_INDEX

MAX_PAGE = 500

AsOf = Annotated[
    int | None,
    QueryParameter(description="The size of the log to answer as of; now, if not given.", ge=0, le=MAX_INDEX),
]
After = Annotated[
    int | None, QueryParameter(description="`next_after` of the page before this one.", ge=0, le=MAX_INDEX)
]
Limit = Annotated[int, QueryParameter(description="Lines on a page.", ge=1, le=MAX_PAGE)]
Moment = Annotated[
    str | None,
    QueryParameter(
        description="The moment asked about, such as 2026-11-25T07:10:06Z or with another offset.", max_length=40
    ),
]


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """The entry of a record log that a change became: its index and, for citing, its address."""

    log: str
    index: int
    address: str


def placed(log: RecordLog, index: int) -> Placed:
    """The answer to a change that became this entry."""
    return Placed(log=log.log.name, index=index, address=str(Address(log.log.origin, index)))


def size_of(service: Service, log: RecordLog, wanted: int | None) -> int:
    """The size to read as of; raises SchemaViolation for one that the log does not have yet."""
    with service.store.reader(log.log.number) as reader:
        return as_of(reader, log.log, wanted)


def moment_us(text: str, zone: str | None = None) -> int:
    """Microseconds of the instant that a parameter names; raises SchemaViolation for none, or two in `zone`."""
    if zone is not None:
        instant("2026-01-01T00:00:00", zone)  # a zone that is none is told of, whether or not it is needed
    return parse_utc(instant(text, zone))
