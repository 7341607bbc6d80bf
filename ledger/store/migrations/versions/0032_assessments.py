"""Assessments by ALCOA+ and Traceable."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import create_facts

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    create_facts(
        "assessment",
        "assessment",
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("last", sa.SmallInteger, nullable=False),
    )
    op.create_table(
        "assessed",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("attribute", sa.Text, nullable=False),
        sa.Column("passed", sa.BigInteger, nullable=False),
        sa.Column("failed", sa.BigInteger, nullable=False),
        sa.Column("open", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "ordinal"),
    )
    op.create_index("assessed_block", "assessed", ["source", "day", "attribute", "pos"])
    protect(op.get_bind(), "assessed")
