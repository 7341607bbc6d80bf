"""Logs of other ledgers that are watched: which, what they showed, and what was wrong with it."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_facts, create_validities

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    create_validities(
        "watched_log",
        "watched-log",
        sa.Column("tiles", sa.Text, nullable=False),
        sa.Column("silent_s", sa.BigInteger, nullable=False),
    )
    create_facts(
        "site_checkpoint",
        "site-checkpoint",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
    )
    op.create_index("site_checkpoint_origin", "site_checkpoint", ["origin", "pos"])
    create_facts(
        "site_fault",
        "site-fault",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("sort", sa.Text, nullable=False),
    )
    op.create_index("site_fault_origin", "site_fault", ["origin", "pos"])
