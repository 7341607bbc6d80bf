"""Renewals of time-stamps."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_facts

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    create_facts(
        "time_stamp_renewal",
        "timestamp-renewal",
        sa.Column("tsa", sa.Text, nullable=False),
        sa.Column("high", sa.BigInteger, nullable=False),
        sa.Column("gen_us", sa.BigInteger, nullable=False),
    )
