"""Time-stamps of checkpoints, the authorities that make them, and when each was last asked."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import create_facts, create_validities

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    create_validities("timestamp_authority", "timestamp-authority", sa.Column("event", sa.Text, nullable=False))
    create_facts(
        "time_stamp",
        "timestamp",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("tsa", sa.Text, nullable=False),
        sa.Column("gen_us", sa.BigInteger, nullable=False),
        sa.Column("entered_us", sa.BigInteger, nullable=False),
    )
    op.create_index("time_stamp_origin", "time_stamp", ["origin", "size"])
    op.create_index("time_stamp_tsa", "time_stamp", ["tsa", "origin", "pos"])
    op.create_table(
        "time_stamp_try",
        sa.Column("tsa", sa.Text, primary_key=True),
        sa.Column("tried_us", sa.BigInteger, nullable=False),
        sa.Column("failing_us", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False),
    )
    protect(op.get_bind(), "time_stamp_try", update=True)
