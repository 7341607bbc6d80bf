"""The table of jobs."""

from sqlalchemy import BigInteger, Boolean, Column, Identity, Index, Integer, Text, UniqueConstraint

from ledger.core.tables import TableClass
from ledger.store.schema import declare

job = declare(
    "job",
    TableClass.OPERATIONAL,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), Identity(), primary_key=True),
    Column("sort", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("scheduled_us", BigInteger, nullable=False),
    Column("parameters", Text, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("result", Text, nullable=False),
    Column("error", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lease_until_us", BigInteger, nullable=False),
    Column("cancel", Boolean, nullable=False),
    UniqueConstraint("sort", "scheduled_us"),
    Index("job_state", "state", "scheduled_us"),
    update=True,
    why="it says what runs and how far it is: a lie starts, stops or repeats work. What a job found stands in entries, "
    "and a cursor that verification did not authenticate itself is not continued from",
)
"""`sort` and `scheduled_us` are unique: two schedulers can't start the same run twice."""
