"""Challenges of sources, and how each planting stands."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _create(
        "challenge",
        "challenge",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("set_us", sa.BigInteger, nullable=False),
    )
    _create(
        "challenge_run",
        "challenge-run",
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_us", sa.BigInteger, nullable=False),
    )
    op.create_index("challenge_run_due", "challenge_run", ["log", "challenge", "due_us"])


def _create(table: str, projector: str, *columns: sa.Column[Any]) -> None:
    op.create_table(
        table,
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        *columns,
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    protect(op.get_bind(), table, update=True)
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        f" SELECT '{projector}', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
