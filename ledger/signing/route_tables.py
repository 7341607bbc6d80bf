"""Tables of signing workflows."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

signing_route = validities(
    "signing_route", Column("title", Text, nullable=False), Column("state", Text, nullable=False)
)
"""Every version of every route: a request names the entry of its own. `state`: `set` or `retired`."""

signing_request = validities(
    "signing_request",
    Column("state", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Index("signing_request_state", "log", "state", "to_index"),
)
"""How each request stands; `opened` is its entry."""

signing_target = declare(
    "signing_target",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("origin", Text, nullable=False),
    PrimaryKeyConstraint("pos", "entry"),
    Index("signing_target_entry", "origin", "entry"),
    clustered=True,
)
"""Which entries a request (its entry at `pos`) is about."""

decision = declare(
    "decision",
    TableClass.PROJECTION,
    position(),
    Column("request", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("account", Text, nullable=False),
    Index("decision_request", "request", "pos"),
    Index("decision_account", "account", "pos"),
)
"""Whatever happened in requests; `step` is empty where it is of none."""

delegation = validities(
    "delegation",
    Column("account", Text, nullable=False),
    Column("delegate", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("until_us", BigInteger, nullable=False),
    Index("delegation_delegate", "log", "delegate"),
)
"""Who may sign for whom; one that was ended has no open row."""
