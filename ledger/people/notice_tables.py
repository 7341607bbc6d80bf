"""Tables of notices."""

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, validities

notice = validities(
    "notice",
    Column("notice", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("state", Text, nullable=False),
    Index("notice_account", "log", "account"),
    Index("notice_state", "log", "state", "channel"),
)
"""Each way of each notice, and where it stands; `account` is empty for a webhook."""

notice_attempt = declare(
    "notice_attempt",
    TableClass.OPERATIONAL,
    Column("key", Text, primary_key=True),
    Column("attempts", BigInteger, nullable=False),
    Column("next_us", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    update=True,
    delete=True,
    why="it says how often a delivery was tried and when it is tried next: a lie delays a notice or sends it twice; "
    "that it is due, went or failed stands in entries",
)

notice_cursor = declare(
    "notice_cursor",
    TableClass.OPERATIONAL,
    Column("log", SmallInteger, primary_key=True, autoincrement=False),
    Column("next_index", BigInteger, nullable=False),
    update=True,
    why="it says from which entry on nobody has been told yet: a lower one is told of once all the same, as notices "
    "bear the id of their entry; a higher one keeps people from being told, which no record, proof or answer reads",
)
