"""Tables of challenges."""

from sqlalchemy import BigInteger, Column, Index, Text

from ledger.store.schema import validities

challenge = validities(
    "challenge",
    Column("source", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
)

challenge_run = validities(
    "challenge_run",
    Column("challenge", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Index("challenge_run_due", "log", "challenge", "due_us"),
)
