"""What people state of copies that removal does not reach."""

import sqlalchemy as sa

from ledger.store.migrations.steps import create_validities

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    create_validities("retention_copy", "retention-copy", sa.Column("sort", sa.Text, nullable=False))
