"""Changes of configuration."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    create_validities(
        "gmp_change",
        "change",
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
