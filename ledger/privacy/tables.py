"""Tables of privacy."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, SmallInteger, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

look_up = declare(
    "look_up",
    TableClass.PROJECTION,
    position(),
    Column("account", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Index("look_up_account", "account", "pos"),
)
"""Searches for persons: by whom, and what for."""

looked_for = declare(
    "looked_for",
    TableClass.PROJECTION,
    Column("digest", Text, nullable=False),
    Column("pos", BigInteger, nullable=False),
    PrimaryKeyConstraint("digest", "pos"),
    clustered=True,
)
"""Whom they were for, by the keyed digest of what was typed."""

purpose_session = validities(
    "purpose_session",
    Column("account", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Index("purpose_session_account", "log", "account"),
)
"""Purposes that are open; a closed one has no open row."""

erasure = validities("erasure", Column("state", Text, nullable=False))
"""Requests for erasure, and where each stands."""

erased_row = declare(
    "erased_row",
    TableClass.PROJECTION,
    Column("pos", BigInteger, nullable=False),
    Column("row_pos", BigInteger, nullable=False),
    Column("sort", Text, nullable=False),
    Column("ordinal", SmallInteger, nullable=False),
    PrimaryKeyConstraint("pos", "row_pos", "sort", "ordinal"),
    Index("erased_row_row", "row_pos", "sort", "ordinal"),
    clustered=True,
)
"""Rows of the vault that an erasure (the entry at `pos`) names: the only ones that the database lets be deleted."""
