"""Tables of the sources domain."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position

source = declare(
    "source",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)

mapping = declare(
    "mapping",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("characters", Integer),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)

identity = declare(
    "identity",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("source", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("person", Text),
    Column("kind", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("log", "key", "from_index"),
    Index("identity_account", "log", "source", "account"),
    update=True,
)

asset = declare(
    "asset",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("source", Text, nullable=False),
    Column("tag", Text, nullable=False),
    Column("site", Text),
    Column("area", Text),
    Column("line", Text),
    Column("unit", Text),
    Column("equipment", Text),
    Column("description", Text),
    Column("gxp", SmallInteger, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("log", "key", "from_index"),
    Index("asset_tag", "log", "source", "tag"),
    update=True,
)

calendar = declare(
    "calendar",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("name", Text, nullable=False),
    Column("shifts", Integer, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)

source_life = declare(
    "source_life",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("facts", Text),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)
"""`facts` is canonical JSON."""

site_system = declare(
    "site_system",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("criticality", Text, nullable=False),
    Column("trail", Text, nullable=False),
    Column("source", Text),
    Column("standing", Text, nullable=False),
    PrimaryKeyConstraint("log", "key", "from_index"),
    update=True,
)

source_import = declare(
    "source_import",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("key", Text, nullable=False),
    Column("from_index", BigInteger, nullable=False),
    Column("to_index", BigInteger),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    PrimaryKeyConstraint("log", "key", "from_index"),
    Index("source_import_source", "log", "source"),
    update=True,
)

collection_run = declare(
    "collection_run",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("cursor_to", Text),
    Column("chain", LargeBinary, nullable=False),
    Column("records", Integer, nullable=False),
    Column("duplicates", Integer, nullable=False),
    Column("quarantined", Integer, nullable=False),
    Column("unreachable", Integer, nullable=False),
    Column("gaps", Integer, nullable=False),
    Index("collection_run_source", "source", "pos"),
)

quarantine = declare(
    "quarantine",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Index("quarantine_source", "source", "pos"),
)
