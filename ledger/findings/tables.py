"""Tables of findings and incidents."""

from sqlalchemy import Column, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

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
