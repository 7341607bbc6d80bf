"""Tables of witnesses (their signature lines stand beside checkpoints: `store.schema.cosignature`)."""

from sqlalchemy import BigInteger, Column, Index, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

witness_policy = declare("witness_policy", TableClass.PROJECTION, position(), Column("quorum", Text, nullable=False))
"""The entries that brought a policy; what it says is read from the entry."""

witnessed = declare(
    "witnessed",
    TableClass.PROJECTION,
    position(),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("policy", BigInteger),
    Column("state", Text, nullable=False),
    Column("missing", Text, nullable=False),
    Index("witnessed_origin", "origin", "pos"),
)
"""What became of each checkpoint that witnesses were asked for."""
