"""The table of runs of the rules."""

from sqlalchemy import BigInteger, Column

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

rule_run = declare(
    "rule_run",
    TableClass.PROJECTION,
    position(),
    Column("low", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
)
