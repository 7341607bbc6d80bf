"""The batches to which a record belongs without naming them, on its page."""

from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from ledger.core.address import LogId
from ledger.core.errors import ConfigError, IntegrityError
from ledger.core.looks import looked
from ledger.core.record import LinkKind, RecordBody
from ledger.present.belonging import why_text
from ledger.present.inert import inert, one_line
from ledger.present.times import in_full
from ledger.trace.membership import batches_of
from ledger.trace.selection import Basis, basis_of
from ledger.web.views.urls import trace_url


class BatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, where it is traced, and why the record belongs to it, or may."""

    batch: str
    url: str
    basis: Basis
    why: str


class ShownBelonging(msgspec.Struct, frozen=True, kw_only=True):
    """The batches that a record is derived to belong to. `whole` false: those that had its equipment long before or
    long after were not looked at. `trouble`: why it cannot be told.
    """

    rows: tuple[BatchRow, ...] = ()
    whole: bool = True
    trouble: str = ""


def shown_belonging(
    connection: Connection, log: LogId, size: int, index: int, body: RecordBody, zone: ZoneInfo
) -> ShownBelonging:
    """Tells it as of a size; what the tables cannot tell, or contradict themselves in, is shown, not raised."""
    full = partial(in_full, zone=zone)
    try:
        found = batches_of(connection, log.number, size, index, body)
    except (ConfigError, IntegrityError) as error:
        return ShownBelonging(trouble=inert(error.message))
    rows = tuple(
        BatchRow(
            batch=one_line(one.batch),
            url=trace_url(log.name, LinkKind.BATCH, one.batch),
            basis=(basis := basis_of(one.why)),
            why=why_text(basis, one.why, looked(body), full, full),
        )
        for one in found.batches
        if one.why is not None
    )
    return ShownBelonging(rows=rows, whole=found.whole)
