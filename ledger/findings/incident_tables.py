"""Tables of integrity incidents."""

from sqlalchemy import BigInteger, Column, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

incident_case = validities(
    "incident_case",
    Column("state", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
)
"""How each case stands (the last event), and the entry that opened it."""

log_epoch = declare(
    "log_epoch",
    TableClass.PROJECTION,
    position(),
    Column("incident", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
)
"""Epochs, by the log that goes on in them."""
