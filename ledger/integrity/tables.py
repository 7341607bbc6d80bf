"""The table of verification runs: their history, and how far each log was verified."""

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

verification = declare(
    "verification",
    TableClass.PROJECTION,
    position(),
    Column("low", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary),
    Column("holds", SmallInteger, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("levels", Text, nullable=False),
    Column("fault", Text),
)
"""`levels`: the levels that were run, as `1 2 3`; `fault`: the first bad entry in words."""
