"""Tables of the logs of other ledgers that are watched."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

watched_log = validities(
    "watched_log",
    Column("tiles", Text, nullable=False),
    Column("silent_s", BigInteger, nullable=False),
)

site_checkpoint = declare(
    "site_checkpoint",
    TableClass.PROJECTION,
    position(),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Index("site_checkpoint_origin", "origin", "pos"),
)

site_fault = declare(
    "site_fault",
    TableClass.PROJECTION,
    position(),
    Column("origin", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Index("site_fault_origin", "origin", "pos"),
)
