"""Tables of the sources domain."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
)

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

source = validities(
    "source",
    Column("type", Text, nullable=False),
    Column("title", Text, nullable=False),
)

mapping = validities(
    "mapping",
    Column("characters", Integer),
)

identity = validities(
    "identity",
    Column("source", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("person", Text),
    Column("kind", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    Column("shared", SmallInteger),
    Index("identity_account", "log", "source", "account"),
)

asset = validities(
    "asset",
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
    Column("asset_class", Text),
    Column("critical", SmallInteger),
    Index("asset_tag", "log", "source", "tag"),
)

calendar = validities(
    "calendar",
    Column("name", Text, nullable=False),
    Column("shifts", Integer, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
)

parameter = validities(
    "parameter",
    Column("name", Text, nullable=False),
    Column("source", Text),
    Column("type", Text),
    Column("applies_us", BigInteger),
    Column("removed", SmallInteger, nullable=False),
    Index("parameter_name", "log", "name"),
)

source_life = validities(
    "source_life",
    Column("event", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("facts", Text),
)
"""`facts` is canonical JSON."""

site_system = validities(
    "site_system",
    Column("criticality", Text, nullable=False),
    Column("trail", Text, nullable=False),
    Column("source", Text),
    Column("standing", Text, nullable=False),
)

source_import = validities(
    "source_import",
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Index("source_import_source", "log", "source"),
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

coverage_statement = declare(
    "coverage_statement",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
)

reconciliation = declare(
    "reconciliation",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("holds", SmallInteger, nullable=False),
)

by_hand = validities(
    "by_hand",
    Column("state", Text, nullable=False),
    Column("record", BigInteger, nullable=False),
    Column("corrects", Text),
    Index("by_hand_record", "log", "record"),
    Index("by_hand_corrects", "corrects"),
)

exclusion_run = declare(
    "exclusion_run",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("exclusion", Text, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("excluded", SmallInteger, nullable=False),
    PrimaryKeyConstraint("pos", "ordinal"),
    Index("exclusion_run_of", "exclusion", "pos"),
    Index("exclusion_run_high", "high"),
)
"""The entries from `low` to `high`, both included, are excluded (1), or no longer (0)."""

quarantine = declare(
    "quarantine",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Index("quarantine_source", "source", "pos"),
)

saved_query = validities(
    "saved_query",
    Column("owner", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("shared", SmallInteger, nullable=False),
)
"""Searches that are saved; a removed one has no open row."""
