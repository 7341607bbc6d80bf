"""Tables of findings and incidents."""

from sqlalchemy import BigInteger, Column, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

finding = declare(
    "finding",
    TableClass.PROJECTION,
    position(),
    Column("sort", Text, nullable=False),
    Column("source", Text),
    Column("detail", Text, nullable=False),
)

incident = declare(
    "incident",
    TableClass.PROJECTION,
    position(),
    Column("code", Text, nullable=False),
    Column("source", Text),
    Column("detail", Text, nullable=False),
)

rule_finding = validities(
    "rule_finding",
    Column("rule", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("anchor", BigInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("stands", SmallInteger, nullable=False),
)
"""A key is a finding of a rule; `stands`: 0 since it was closed. `anchor`: the record that was examined."""
