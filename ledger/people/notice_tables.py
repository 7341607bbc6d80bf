"""Tables of notices."""

from sqlalchemy import BigInteger, Column, Index, Text

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
