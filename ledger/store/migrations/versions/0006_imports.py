"""Imports of old audit trails."""

import sqlalchemy as sa
from alembic import op

from ledger.store.append_only import protect

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "source_import",
        sa.Column("log", sa.SmallInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("from_index", sa.BigInteger, nullable=False),
        sa.Column("to_index", sa.BigInteger),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("log", "key", "from_index"),
    )
    op.create_index("source_import_source", "source_import", ["log", "source"])
    protect(op.get_bind(), "source_import", update=True)
    # As in 0002: a ledger from before must know the projector from now on.
    op.execute(
        "INSERT INTO projection_version (name, version)"
        " SELECT 'import', 1 WHERE EXISTS (SELECT 1 FROM projection_version)"
    )
