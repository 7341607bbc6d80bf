"""Tables of time-stamps."""

from sqlalchemy import BigInteger, Column, Index, Text

from ledger.core.tables import TableClass
from ledger.store.schema import declare, position, validities

timestamp_authority = validities("timestamp_authority", Column("event", Text, nullable=False))
"""Time-stamp authorities by name, and the last that happened to each; a withdrawn one has no open row."""

time_stamp = declare(
    "time_stamp",
    TableClass.PROJECTION,
    position(),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("tsa", Text, nullable=False),
    Column("gen_us", BigInteger, nullable=False),
    Column("entered_us", BigInteger, nullable=False),
    Index("time_stamp_origin", "origin", "size"),
    Index("time_stamp_tsa", "tsa", "origin", "pos"),
)
"""Checkpoints by log and size, and the moment that an authority names for each; when that was entered."""

time_stamp_renewal = declare(
    "time_stamp_renewal",
    TableClass.PROJECTION,
    position(),
    Column("tsa", Text, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("gen_us", BigInteger, nullable=False),
)
"""Renewals: which time-stamps an authority says were there, all before entry `high`, and the moment that it names."""

time_stamp_try = declare(
    "time_stamp_try",
    TableClass.OPERATIONAL,
    Column("tsa", Text, primary_key=True),
    Column("tried_us", BigInteger, nullable=False),
    Column("failing_us", BigInteger),
    Column("error", Text, nullable=False),
    update=True,
    why="it tells when an authority was last asked and what went wrong: a lie changes when it is asked again and what "
    "people read of an outage's cause, and no date, which are read from the tokens in entries",
)
"""`failing_us`: since when it fails; NULL where its last answer was good."""
