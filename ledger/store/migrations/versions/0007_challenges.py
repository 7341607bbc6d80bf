"""Challenges of sources, and how each planting stands."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_validities

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    create_validities(
        "challenge",
        "challenge",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("set_us", sa.BigInteger, nullable=False),
    )
    create_validities(
        "challenge_run",
        "challenge-run",
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("due_us", sa.BigInteger, nullable=False),
    )
    op.create_index("challenge_run_due", "challenge_run", ["log", "challenge", "due_us"])
