"""Terminals: the devices at which people work, in use from an entry to another."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    create_validities(
        "terminal",
        "terminal",
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("tested_us", sa.BigInteger, nullable=False),
    )
