"""Tables of the agents domain."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text, false

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

agent = validities(
    "agent",
    Column("state", Text, nullable=False),
    Column("sources", Text, nullable=False),
    Column("zone", Text),
    Column("public_key", LargeBinary),
    Column("epoch", BigInteger, nullable=False),
)
"""`sources` is a canonical JSON array."""

agent_batch = declare(
    "agent_batch",
    TableClass.PROJECTION,
    position(),
    Column("agent", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("batch_number", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("run", BigInteger, nullable=False),
    Index("agent_batch_number", "agent", "epoch", "batch_number"),
)
"""`pos` is the delivery entry's; `digest` the batch's."""

agent_heard = declare(
    "agent_heard",
    TableClass.OPERATIONAL,
    Column("log", SmallInteger, nullable=False),
    Column("agent", Text, nullable=False),
    Column("last_us", BigInteger, nullable=False),
    Column("told", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("log", "agent"),
    update=True,
    why="it tells when an agent was last heard, for the finding that it is silent: a lie brings that finding early, "
    "late or not at all, and changes no record, proof or coverage, which are read from the deliveries' own entries",
)
"""`told`: the finding for the present silence was entered."""
