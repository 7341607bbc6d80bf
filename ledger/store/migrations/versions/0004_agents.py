"""Edge agents, and the batches that they delivered."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0004"
down_revision = "0003"

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    create_validities(
        "agent",
        "agent",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sources", sa.Text, nullable=False),
        sa.Column("zone", sa.Text),
        sa.Column("public_key", sa.LargeBinary),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "agent_batch",
        sa.Column("pos", POSITION, nullable=False, autoincrement=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("batch_number", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos"),
    )
    op.create_index("agent_batch_number", "agent_batch", ["agent", "epoch", "batch_number"])
    protect(op.get_bind(), "agent_batch")
    announce("delivery")
