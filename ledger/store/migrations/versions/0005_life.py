"""The life of sources, and the inventory of the site's systems."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    create_validities(
        "source_life",
        "source-life",
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("facts", sa.Text),
    )
    create_validities(
        "site_system",
        "system",
        sa.Column("criticality", sa.Text, nullable=False),
        sa.Column("trail", sa.Text, nullable=False),
        sa.Column("source", sa.Text),
        sa.Column("standing", sa.Text, nullable=False),
    )
