"""Witnesses: the policies of the ledger, what they said of its checkpoints, and their signature lines."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import create_facts

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    create_facts("witness_policy", "witness-policy", sa.Column("quorum", sa.Text, nullable=False))
    op.create_table(
        "cosignature",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.SmallInteger, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pos", "ordinal"),
    )
    op.create_index("cosignature_checkpoint", "cosignature", ["origin", "size"])
    protect(op.get_bind(), "cosignature")
    create_facts(
        "witnessed",
        "checkpoint-witnessed",
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("policy", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("missing", sa.Text, nullable=False),
    )
    op.create_index("witnessed_origin", "witnessed", ["origin", "pos"])
