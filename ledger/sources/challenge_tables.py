"""Tables of challenges."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare

challenge = declare(
    "challenge",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("source", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)

challenge_run = declare(
    "challenge_run",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("challenge", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("log", "key", "from_index"),
    Index("challenge_run_due", "log", "challenge", "due_us"),
    update=True,
)
