"""The tables that `store` itself owns, and how any domain declares its own on the same metadata.

Every table names its class (`core.tables.TableClass`); a test holds it to that. Triggers refuse UPDATE and DELETE on
log, vault and facts tables in both databases (`append_only`).
"""

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    and_,
    or_,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator

from ledger.core.tables import TableClass

metadata = MetaData()


class Tokens(TypeDecorator[str]):
    """Search tokens of a row: space-joined text in SQLite (FTS5 reads it), an array in PostgreSQL (GIN reads it)."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.ARRAY(Text))
        return dialect.type_descriptor(Text())


def declare(
    name: str,
    table_class: TableClass,
    *items: Any,
    update: bool = False,
    delete: bool = False,
    why: str = "",
    clustered: bool = False,
) -> Table:
    """Declares a table. `update` and `delete`: what the service itself may do to its rows, besides INSERT and SELECT.

    `why` tells for an operational table why lying in it changes no answer. `clustered` keeps the rows inside the
    primary key (SQLite WITHOUT ROWID).
    """
    if table_class is TableClass.OPERATIONAL and not why:
        raise ValueError(f"operational table {name} must say why lying in it changes no answer")
    info = {"class": table_class, "update": update, "delete": delete, "why": why}
    return Table(name, metadata, *items, info=info, sqlite_with_rowid=not clustered)


@cache
def has_tokens(table: Table) -> bool:
    """Whether the table's rows are found by full text."""
    return any(isinstance(column.type, Tokens) for column in table.columns)


def position() -> Column[int]:
    """The key of a table with one row an entry (`store.position`)."""
    return Column("pos", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False)


def validities(name: str, *items: Any) -> Table:
    """Declares a projection of validities: what held for a key from one entry to another (null: to this day)."""
    return declare(
        name,
        TableClass.PROJECTION,
        Column("log", SmallInteger, nullable=False),
        Column("key", Text, nullable=False),
        Column("from_index", BigInteger, nullable=False),
        Column("to_index", BigInteger),
        *items,
        PrimaryKeyConstraint("log", "key", "from_index"),
        update=True,
    )


def as_of(table: Table, size: int | None) -> ColumnElement[bool]:
    """Which rows of a table of validities hold as of a size of their log; now, if none is given."""
    row = table.c
    if size is None:
        return row.to_index.is_(None)
    return and_(row.from_index < size, or_(row.to_index.is_(None), row.to_index >= size))


ledger_log = declare(
    "ledger_log",
    TableClass.PROJECTION,
    Column("number", SmallInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    UniqueConstraint("name"),
    UniqueConstraint("origin"),
)

head = declare(
    "head",
    TableClass.PROJECTION,
    Column("log", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("logged_us", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    update=True,
)
"""The right edge of each log: what the next append continues. Its row lock is what makes a fork impossible."""

leaf = declare("leaf", TableClass.LOG, position(), Column("data", LargeBinary, nullable=False))

tile = declare(
    "tile",
    TableClass.LOG,
    Column("log", SmallInteger, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "level", "n"),
)
"""Full tiles only (256 hashes): they never change. A partial tile is read off the leaves, or the tiles, below it."""

checkpoint_intent = declare(
    "checkpoint_intent",
    TableClass.LOG,
    Column("log", SmallInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "size"),
)
"""What the signer was about to sign; committed before the signature exists, one root a size."""

checkpoint = declare(
    "checkpoint",
    TableClass.LOG,
    Column("log", SmallInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
    PrimaryKeyConstraint("log", "size"),
)

cosignature = declare(
    "cosignature",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("line", Text, nullable=False),
    PrimaryKeyConstraint("pos", "ordinal"),
    Index("cosignature_checkpoint", "origin", "size"),
)
"""Signature lines of witnesses, as entries of the system log have them; a checkpoint is read with its lines."""

body = declare(
    "body",
    TableClass.VAULT,
    position(),
    Column("salt", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

original = declare(
    "original",
    TableClass.VAULT,
    position(),
    Column("salt", LargeBinary, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

sealed_value = declare(
    "sealed_value",
    TableClass.VAULT,
    Column("pos", BigInteger, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("member", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("pos", "ordinal"),
    clustered=True,
)

secret = declare(
    "secret",
    TableClass.VAULT,
    Column("pos", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", LargeBinary, nullable=False),
    PrimaryKeyConstraint("pos", "name"),
    delete=True,
    clustered=True,
)
"""Digests of tokens and the like: a class of its own, so that the entry that supersedes one can destroy it."""

source_key = declare(
    "source_key",
    TableClass.PROJECTION,
    Column("log", SmallInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("pos", BigInteger, nullable=False),
    PrimaryKeyConstraint("log", "source", "record_id", "digest"),
    clustered=True,
)
"""By what PostgreSQL knows a record again; SQLite only until its records are of `record/4` (`store.key_index`)."""


def _where(condition: str) -> dict[str, Any]:
    """An index of the rows for which this holds."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# What is found by object stands by the hour in which it happened: each batch changes the pages of a few hours, not
# those of every object there ever was. Whoever reads an object's history goes from hour to hour.
record = declare(
    "record",
    TableClass.PROJECTION,
    position(),
    Column("source", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("occurred_us", BigInteger),
    Column("recorded_us", BigInteger),
    Column("received_us", BigInteger, nullable=False),
    Column("actor", Text),
    Column("object_type", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("tokens", Tokens, nullable=False),
    Column("workstation", Text),
    Column("role", Text),
    Column("reason", Text),
    Column("reasoned", SmallInteger),
    Column("at_us", BigInteger),
    Column("hour", Integer),
    Column("series", Text),
    Column("sequence", BigInteger),
    Column("combination", LargeBinary),
    Index("record_facets", "source", "action", "outcome", "object_type", "pos"),
    Index("record_combination", "combination", "pos").ddl_if(dialect="postgresql"),
    Index("record_actor", "actor", "pos").ddl_if(dialect="postgresql"),
    Index("record_object", "object_type", "object_id", "pos").ddl_if(dialect="postgresql"),
    Index("record_workstation", "workstation", "pos").ddl_if(dialect="postgresql"),
    Index("record_occurred", "occurred_us", "pos"),
    Index("record_recorded", "recorded_us", "pos"),
    Index("record_received", "received_us", "pos"),
    Index("record_thing", "hour", "source", "object_id", "at_us", "pos"),
    # Many sources number nothing.
    Index("record_sequence", "source", "series", "sequence", **_where("sequence IS NOT NULL")),
    Index("record_tokens", "tokens", postgresql_using="gin").ddl_if(dialect="postgresql"),
)

record_link = declare(
    "record_link",
    TableClass.PROJECTION,
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("pos", BigInteger, nullable=False),
    Column("basis", Text, nullable=False),
    Column("at_us", BigInteger),
    PrimaryKeyConstraint("kind", "id", "pos"),
    Index("record_link_at", "kind", "id", "at_us", "pos"),
    clustered=True,
)

record_change = declare(
    "record_change",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    Column("hour", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("object_type", Text, nullable=False),
    Column("attribute", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("pos", "ordinal"),
    Index("record_change_of", "hour", "source", "object_id", "attribute", "at_us", "pos", "ordinal"),
    clustered=True,
)
"""Which attribute of which object a record changed. Values, which may be sealed, are in the record alone."""

disposed_entry = declare(
    "disposed_entry",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("row_pos", BigInteger, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("digest", LargeBinary),
    PrimaryKeyConstraint("row_pos", "pos"),
    Index("disposed_entry_pos", "pos"),
    Index("disposed_entry_digest", "digest"),
    clustered=True,
)
"""Entries (at `row_pos`) whose content a disposal (the entry at `pos`) names: the only one that the database lets go.

`digest` is the content's keyed digest, by which the record is known again if its source gives it once more.
"""

projection_version = declare(
    "projection_version",
    TableClass.OPERATIONAL,
    Column("name", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    update=True,
    why="it only names which version of a projector wrote the live tables: verification replays that version, "
    "and a wrong name makes the comparison fail",
)
"""Which version of each projector the live tables come from. Read under the head lock by every append."""
