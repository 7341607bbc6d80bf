"""What is entered by hand, and what is excluded from evaluations."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect
from ledger.store.migrations.steps import announce, create_validities

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    create_validities(
        "by_hand",
        "by-hand",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("record", sa.BigInteger, nullable=False),
        sa.Column("corrects", sa.Text),
    )
    op.create_index("by_hand_record", "by_hand", ["log", "record"])
    op.create_index("by_hand_corrects", "by_hand", ["corrects"])
    op.create_table(
        "exclusion_run",
        sa.Column("pos", sa.BigInteger, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("exclusion", sa.Text, nullable=False),
        sa.Column("low", sa.BigInteger, nullable=False),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("excluded", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("pos", "ordinal"),
    )
    op.create_index("exclusion_run_of", "exclusion_run", ["exclusion", "pos"])
    op.create_index("exclusion_run_high", "exclusion_run", ["high"])
    protect(op.get_bind(), "exclusion_run")
    announce("exclusion")
