"""Tables of changes of configuration."""

from sqlalchemy import BigInteger, Column, Text

from ledger.store.schema import validities

gmp_change = validities(
    "gmp_change",
    Column("state", Text, nullable=False),
    Column("request", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
)
"""A row an entry. While `state` is effective, the `count` entries after `from_index` are what the change brought."""
