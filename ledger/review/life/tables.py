"""Tables of the states of rules, of their challenges, and of suppressions."""

from sqlalchemy import BigInteger, Column, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

rule_state = validities(
    "rule_state",
    Column("rule", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
)
"""A key is a version of a rule."""

rule_challenge = declare(
    "rule_challenge",
    TableClass.PROJECTION,
    position(),
    Column("rule", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("holds", SmallInteger, nullable=False),
)

suppression = validities(
    "suppression",
    Column("rule", Text, nullable=False),
    Column("source", Text),
    Column("object_type", Text),
    Column("object_id", Text),
    Column("since_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
)
"""A key is a scope; one that was revoked has no row."""
