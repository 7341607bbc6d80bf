"""Imports of old audit trails."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations.steps import create_validities

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_validities(
        "source_import",
        "import",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
    )
    op.create_index("source_import_source", "source_import", ["log", "source"])
