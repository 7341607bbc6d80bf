"""Tables of the people domain."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, validities

account = validities(
    "account",
    Column("sort", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("title", Text, nullable=False),
)

access_grant = validities(
    "access_grant",
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("expires_us", BigInteger),
    Index("access_grant_account", "log", "account"),
)
"""`scopes` and `sources` are canonical JSON arrays."""

browser_session = validities(
    "browser_session",
    Column("event", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("expires_us", BigInteger),
)
"""Sessions that began and did not end, and links that were not used yet; an ended session has no open row."""

security_count = declare(
    "security_count",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("sort", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("pos", "sort", "account", "source"),
    clustered=True,
)
"""`account` and `source` are empty where the entry names none."""

session_touch = declare(
    "session_touch",
    TableClass.OPERATIONAL,
    Column("session", Text, primary_key=True),
    Column("last_us", BigInteger, nullable=False),
    update=True,
    delete=True,
    why="it tells when a session was last used: a lie ends a session early, or keeps it up to the absolute limit that "
    "its entry states; no record, proof or verification reads it, and it opens no session by itself",
)

request_receipt = declare(
    "request_receipt",
    TableClass.OPERATIONAL,
    Column("caller", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("receipt", LargeBinary, nullable=False),
    PrimaryKeyConstraint("caller", "route", "key"),
    Index("request_receipt_at", "at_us"),
    delete=True,
    clustered=True,
    why="before a receipt is given a second time, every entry that it names is opened and compared with what was sent "
    "again: a forged row is refused and can swallow no record; without the row the request is judged by its cursor",
)
"""What a caller was answered under an `Idempotency-Key`, written in the transaction of the run that it answers."""
