"""Which entry holds the mapping of each source."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_validities(
        "mapping",
        "mapping",
        sa.Column("characters", sa.Integer),
    )
