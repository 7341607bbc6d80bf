"""Suppressions of findings of rules."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0040"
down_revision = "0039"


def upgrade() -> None:
    create_validities(
        "suppression",
        "suppression",
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("object_type", sa.Text),
        sa.Column("object_id", sa.Text),
        sa.Column("since_us", sa.BigInteger, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
