"""Searches that are saved."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    create_validities(
        "saved_query",
        "saved-query",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("shared", sa.SmallInteger, nullable=False),
    )
