"""Tables of the trust domain."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

key_event = declare(
    "key_event",
    TableClass.PROJECTION,
    position(),
    Column("event", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("key", Text, nullable=False),
)

log_binding = declare(
    "log_binding",
    TableClass.PROJECTION,
    position(),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Index("log_binding_origin", "origin", "pos"),
)
