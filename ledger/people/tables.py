"""Tables of the people domain."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

ACCEPTED = "accepted"
"""In `sign_in`, besides the events of sign-in entries: what was shown for a signature was right."""

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
    Column("role", Text, nullable=False, server_default=""),
    Column("sites", Text, nullable=False, server_default="[]"),
    Column("from_us", BigInteger),
    Index("access_grant_account", "log", "account"),
)
"""`scopes`, `sources` and `sites` are canonical JSON arrays; `role` is empty for a service account's grant."""

credential = validities(
    "credential",
    Column("account", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("expires_us", BigInteger),
    Index("credential_account", "log", "account"),
)
"""What persons sign in with; a retired credential has no open row."""

sign_in = declare(
    "sign_in",
    TableClass.PROJECTION,
    position(),
    Column("account", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Index("sign_in_account", "account", "pos"),
)
"""Failures, locks and unlocks, an entry each; and signatures, as `ACCEPTED`."""

qualification = validities(
    "qualification",
    Column("account", Text, nullable=False),
    Column("sort", Text, nullable=False),
    Column("role", Text, nullable=False),
    Index("qualification_account", "log", "account"),
)
"""What is established about persons, and was not taken back; `role` is empty where it is for none."""

role_definition = validities("role_definition", Column("scopes", Text, nullable=False))
"""`scopes` is a canonical JSON array."""

terminal = validities(
    "terminal", Column("title", Text, nullable=False), Column("tested_us", BigInteger, nullable=False)
)
"""Terminals that are in use; `tested_us`: when the last test was entered."""

profile_item = validities("profile_item", Column("value", Text, nullable=False))
"""The site's profile: each item that was ever set, as JSON."""

site_document = validities(
    "site_document", Column("title", Text, nullable=False), Column("dated", Text, nullable=False)
)

access_review = validities("access_review", Column("due_us", BigInteger, nullable=False))

viewed = declare(
    "viewed",
    TableClass.PROJECTION,
    position(),
    Column("account", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("address", Text, nullable=False),
    Index("viewed_account", "account", "pos"),
)
"""What watched callers saw."""

browser_session = validities(
    "browser_session",
    Column("event", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("expires_us", BigInteger),
    Index("browser_session_account", "log", "account"),
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

reset_request = validities(
    "reset_request",
    Column("account", Text, nullable=False),
    Column("lapses_us", BigInteger, nullable=False),
    Index("reset_request_account", "log", "account"),
)
"""Resets that one person asked for and no other has confirmed."""

door_use = declare(
    "door_use",
    TableClass.OPERATIONAL,
    Column("key", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Index("door_use_until", "until_us"),
    update=True,
    delete=True,
    why="it keeps a code, a counter or a step of signing in from being used twice: without its row one can be used "
    "again within the minutes that it is good for, with all other components that it takes; it opens nothing by "
    "itself, and no record, proof or verification reads it",
)
"""`key`: `component:` with a component's name, for the last step or counter it showed; `state:` with what was spent."""

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
