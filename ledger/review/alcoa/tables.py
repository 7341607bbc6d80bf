"""The tables of assessments: which there were, and what each says of a block in numbers."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

assessment = declare(
    "assessment",
    TableClass.PROJECTION,
    position(),
    Column("low", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("last", SmallInteger, nullable=False),
)

assessed = declare(
    "assessed",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("passed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("open", BigInteger, nullable=False),
    PrimaryKeyConstraint("pos", "ordinal"),
    Index("assessed_block", "source", "day", "attribute", "pos"),
)
"""A row for each attribute of each block of an entry; `day` counts from 1970-01-01. Of several of a block the newest
holds."""
